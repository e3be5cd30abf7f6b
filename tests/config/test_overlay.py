"""One configuration file: the sentence for each key that is wrong."""

from pathlib import Path

import pytest

from spfwhite.config.overlay import read_overlay
from spfwhite.errors import ConfigError


def fault(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_overlay(text, "own.toml", Path("/"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[safety]\nwidest_ipv4 = "12"',
            'safety.widest_ipv4 must be a whole number from 0 to 32, not "12"',
        ),
        ("[safety]\nwidest_ipv4 = 33", "from 0 to 32, not 33"),
        ("[dns]\nattempts = true", "dns.attempts must be a whole number from 1 to 20, not true"),
        ("[dns]\nattempts = 2.0", "not 2.0"),
        (f"[dns]\nattempts = 0x{'f' * 5000}", "not a number of more than 200 digits"),
        ("[dns]\ndeadline = nan", "dns.deadline must be a number from 0.1 to 86400, not nan"),
        ("[dns]\ndeadline = true", "not true"),
        ("[spf]\nstrict = 1", "spf.strict must be true or false, not 1"),
        ("defaults = 0", "defaults must be true or false, not 0"),
        ("[categories]\nde = 'no'", 'categories.de must be true or false, not "no"'),
        ('[safety]\nspecial_use = "inherit"', 'must be "drop" or "keep", not "inherit"'),
        ("[output]\nallow = ''", 'output.allow must be a path, not ""'),
        ("[output]\nallow = '/'", 'output.allow must be a path, not "/"'),
        ('[output]\nallow = "a\\u0000"', 'output.allow must be a path, not "a\\000"'),
        ("[postfix]\nreload_command = 'x'", 'must be a list of texts, not "x"'),
        ("[postfix]\nreload_command = [1]", "must be a list of texts, but has 1"),
        ("[dns]\nnameservers = ['192.0.2.1:0']", "has the port 0"),
        ("[dns]\nnameservers = ['ns.test']", 'has "ns.test", which is not a name server'),
        ("output = 3", "output must be a table, not 3"),
        ("[providers]\ndomains = ['a.test']", "providers.domains must be a table, not a list"),
        ("[[providers]]\nx = 1", "providers must be a table, not a list"),
        (
            "[providers.'Foo Bar']\nenabled = true",
            'providers has "Foo Bar", which is not a name of small',
        ),
        ("[providers.x]\ncategory = 'A'", "providers.x.category must be a name of small letters"),
        (
            "[safety]\nwidest_ip4 = 3",
            "safety.widest_ip4 is unknown; did you mean safety.widest_ipv4?",
        ),
        ("[saftey]\nwidest_ipv4 = 3", "saftey is unknown; did you mean safety?"),
        ("[dns]\nstrict = true", "dns.strict is unknown; did you mean spf.strict?"),
        ("domains = ['a.test']", "domains is unknown; did you mean providers.NAME.domains?"),
        ("[google]\nenabled = false", "google is unknown; did you mean [providers.google]?"),
        ("[dns]\ndefaults = false", "dns.defaults is unknown; it belongs at the head of the file"),
        (
            "[providers.x]\ndefaults = false",
            "providers.x.defaults is unknown; it belongs at the head",
        ),
        ("[dns]\nlist_date = 2026-01-01", "dns.list_date is unknown; it belongs at the head"),
        ("[category]\nbulk = true", "category is unknown; did you mean categories?"),
        ("category = 'x'", "category is unknown; did you mean providers.NAME.category?"),
        ("[outputs]\nallow = 'x'", "outputs is unknown; did you mean output?"),
        ("[outputs]\nalow = 'x'", "outputs is unknown; did you mean output?"),
        ("[postscreen]\nverify = true", "postscreen is unknown; did you mean postfix?"),
        ("[limits]\nmax_lookups = 3", "limits is unknown; did you mean spf?"),
        ("[provider.x]\nenabled = false", "provider is unknown; did you mean [providers.x]?"),
        ("[provider.'\u00e9']\nenabled = false", "provider is unknown; did you mean providers?"),
        ("[posteo]\ndomains = ['a.test']", "posteo is unknown; did you mean [providers.posteo]?"),
        ("[provider_default]\nmx = true", "provider_default is unknown; did you mean provider_d"),
        ("[google]\nenable = false", "google is unknown; the tables and keys here are defaults, "),
        ("[postscreen]", "postscreen is unknown; the tables and keys here are defaults, list_date"),
        ("[spf]\nlimits = 3", "the keys here are strict, max_lookups, max_depth, max_octets"),
        ("[postfix.x]\na = 1", "postfix.x is unknown; the keys here are verify, reload, "),
        ("[output.table]\npath = 'x'", "output.table is unknown; did you mean output.tables?"),
        ("[[output.tables]]\npth = 'x'", "output.tables.pth is unknown; did you mean output.tab"),
        ("[output.tables]\npath = 'x'", "must be an array of tables, in [[ ]], not a table"),
        (
            "[providers.reddit.com]\ndomains = ['reddit.com']",
            "providers.reddit.com is unknown; write [providers.reddit-com]",
        ),
        ("[providers.a.b.test]\nmx = true", "providers.a.b is unknown; write [providers.a-b-test]"),
        ("[providers.x.page_select]\nservice = 'E'", "; did you mean providers.x.pages_select?"),
        ("[providers." + "a." * 5000 + "b]\nmx = true", "providers.a.a is unknown; the keys here"),
        (
            "[providers.x]\nenabled = no",
            "line 2, column 11: Invalid value; texts stand in quotes, true and false do not",
        ),
        ("[providers]\nmx = true", "providers.mx must be a table, not true; did you mean [provi"),
        ("[dns]\n'\\n\u00e9' = 1", 'dns."\\\\n\\195\\169" is unknown'.replace("\\\\n", "\\n")),
        ("[dns]\nattempts = 1\nx y", "is not TOML at line 3, column 3"),
        ("x = " + "[" * 9999, "is not TOML that can be read"),
        ("x = " + "9" * 9999, "is not TOML that can be read"),
    ],
)
def test_a_fault_is_one_sentence_with_file_and_key(text: str, sentence: str) -> None:
    message = fault(text)
    assert message.startswith("own.toml: ")
    assert sentence in message
    assert message.isascii() and message.isprintable()


def test_what_a_message_quotes_is_cut() -> None:
    assert f'"{"x" * 200}..."' in fault(f"[safety]\nspecial_use = '{'x' * 5000}'")
    assert len(fault(f"[dns]\n{'x' * 5000} = 1")) < 400


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("b\u00fccher.test", "write an IDN in its xn-- form"),
        ("localhost", "two or more labels"),
        ("a b.test", "two or more labels"),
        ("192.0.2.1", "addresses belong under networks"),
        ("include:a.test", "two or more labels"),
    ],
)
def test_a_bad_domain_is_quoted_with_the_reason(entry: str, sentence: str) -> None:
    message = fault(f'[providers.own]\ndomains = ["good.test", "{entry}"]')
    quoted = entry.replace("\u00fc", "\\195\\188")
    assert f'providers.own.domains has "{quoted}", which ' in message
    assert sentence in message


@pytest.mark.parametrize(
    "entry", ["192.0.2.0/33", "192.0.2", "2001:db8::/129", "192.0.2.9-192.0.2.1", "localhost", ""]
)
@pytest.mark.parametrize("key", ["providers.own.networks", "safety.exclude"])
def test_a_bad_network_is_quoted(key: str, entry: str) -> None:
    table, _, name = key.rpartition(".")
    message = fault(f'[{table}]\n{name} = ["192.0.2.1", "{entry}"]')
    assert message.startswith(f'own.toml: {key} has "{entry}", which ')


def test_a_network_with_host_bits_is_an_error_that_proposes_the_masked_one() -> None:
    message = fault('[providers.own]\nnetworks = ["192.0.2.1/24"]')
    assert 'has "192.0.2.1/24", which has host bits set' in message
    assert "did you mean 192.0.2.0/24?" in message


def test_a_file_says_only_what_it_says() -> None:
    overlay = read_overlay("[dns]\ndeadline = 3", "own.toml", Path("/"))
    assert overlay.tables == {"dns": {"deadline": 3.0}, "categories": {}}
    assert (overlay.defaults, overlay.providers) == (True, {})
