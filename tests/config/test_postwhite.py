"""Files of Postwhite and of its forks as overlays that the configuration takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.config.loading import load
from spfwhite.config.postwhite import (
    CATEGORY,
    MAX_BYTES,
    NOTHING,
    Imported,
    NotPostwhiteError,
    convert,
    own_hosts,
)
from spfwhite.config.settings import Config, Provider
from spfwhite.dns.answers import Answers
from spfwhite.networks import Networks
from spfwhite.spf.evaluation import evaluate
from tests.support.zones import WORLD, Snapshot, world

DEFAULTS = load(system=Path("/nonexistent"))
HOSTS = own_hosts()
NOBODY = "nobody"
DEFAULT_NAMES = {provider.name for provider in DEFAULTS.providers}


def imported(text: str | bytes) -> Imported:
    return convert(text.encode() if isinstance(text, str) else text, DEFAULTS)


def loaded(text: str | bytes) -> Config:
    """Return the configuration with the overlay of a file."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "overlay.toml")
        path.write_text(imported(text).overlay, encoding="utf-8")
        return load(path)


def own(text: str | bytes) -> list[Provider]:
    return [each for each in loaded(text).providers if each.name not in DEFAULT_NAMES]


def said(text: str | bytes) -> list[tuple[int, str]]:
    return [(each.line, each.text) for each in imported(text).remarks]


CONF = """\
# Options of a site
spftoolspath="/usr/local/bin/spf-tools"
postfixpath="/etc/postfix"
postfixbinarypath="/usr/sbin"
whitelist="postscreen_spf_whitelist.cidr"
blacklist="postscreen_spf_blacklist.cidr"
yahoo_static_hosts="${spftoolspath}/yahoo.txt"
custom_hosts="git.example Partner.example.
  icloud.com"
enable_blacklist=yes
blacklist_hosts="spam.example"
simplify=no
invalid_ip4=remove
include_yahoo=yes
reload_postfix=yes
"""


def test_a_whole_postwhite_conf_becomes_this_overlay() -> None:
    assert imported(CONF).overlay == (
        "# Made by spfwhite import; it holds only what differs from the defaults.\n"
        "\n[output]\n"
        'allow = "/etc/postfix/postscreen_spf_whitelist.cidr"\n'
        'reject = "/etc/postfix/postscreen_spf_blacklist.cidr"\n'
        "\n[postfix]\nreload = true\n"
        "\n[providers.yahoo]\npages_enabled = true\n"
        '\n[providers.git-example]\ncategory = "postwhite"\ndomains = ["git.example"]\n'
        '\n[providers.partner-example]\ncategory = "postwhite"\ndomains = ["partner.example"]\n'
        '\n[providers.spam-example]\ncategory = "postwhite"\naction = "reject"\n'
        'domains = ["spam.example"]\n'
    )


def test_all_that_a_whole_postwhite_conf_says_besides_is_remarked_in_its_order() -> None:
    starts = [
        (2, "spftoolspath is not needed: "),
        (4, "postfixbinarypath is not needed: "),
        (7, "yahoo_static_hosts is not carried over: /usr/local/bin/spf-tools/yahoo.txt: cannot"),
        (8, "icloud.com is listed already, through the provider icloud"),
        (12, "simplify is not needed: a table is always collapsed"),
        (13, "invalid_ip4 is not needed: host bits in a record are always masked"),
        (14, "include_yahoo switches on the page on which Yahoo lists its addresses"),
    ]
    remarks = said(CONF)
    assert [line for line, _ in remarks] == [line for line, _ in starts]
    for (_, text), (_, start) in zip(remarks, starts, strict=True):
        assert text.startswith(start)


def test_the_overlay_of_a_whole_postwhite_conf_loads() -> None:
    config = loaded(CONF)
    assert config.postfix.reload
    assert config.output == DEFAULTS.output
    assert {each.name: (each.action, each.category, each.enabled) for each in own(CONF)} == {
        "git-example": ("permit", CATEGORY, True),
        "partner-example": ("permit", CATEGORY, True),
        "spam-example": ("reject", CATEGORY, True),
    }


def test_yahoo_can_be_left_out_and_its_domains_named() -> None:
    text = "include_yahoo=no\ncustom_hosts=_spf1.yahoo.com\n"
    yahoo = next(each for each in loaded(text).providers if each.name == "yahoo")
    assert not yahoo.enabled
    assert [each.domains for each in own(text)] == [("_spf1.yahoo.com",)]
    assert said(text) == []


def test_a_domain_of_a_default_provider_that_is_off_is_carried_over_under_a_name_of_its_own() -> (
    None
):
    assert [(each.name, each.domains) for each in own("custom_hosts='all.inkl seznam.cz'\n")] == [
        ("all-inkl-2", ("all.inkl",)),
        ("seznam-cz", ("seznam.cz",)),
    ]
    assert said("custom_hosts='all.inkl seznam.cz'\n") == [
        (
            1,
            "seznam.cz becomes a provider of its own, since the default provider seznam, which has "
            "it, is off: `cz = true` in [categories] switches it on with all of its category, "
            '`category = "added"` in [providers.seznam] this one alone',
        )
    ]


@pytest.mark.parametrize("host", ["github.com", "hotmail.com", "sendgrid.net", "_spf.google.com"])
def test_a_host_that_a_default_provider_covers_is_left_out_and_said(host: str) -> None:
    # by a domain of the provider, or by what stands for the host
    (line, remark) = said(f"simplify=\ncustom_hosts='a.test {host}'\n")[0]
    assert (line, remark.rpartition(" ")[0]) == (
        2,
        f"{host} is listed already, through the provider",
    )
    assert remark.rpartition(" ")[2] in {provider.name for provider in DEFAULTS.enabled()}
    assert [each.domains for each in own(f"custom_hosts='a.test {host}'\n")] == [("a.test",)]


def test_a_host_whose_provider_the_file_switches_off_is_carried_over() -> None:
    text = "include_yahoo=no\ncustom_hosts=aol.com\n"
    assert [each.domains for each in own(text)] == [("aol.com",)]
    assert said(text) == []


def test_domains_with_the_same_name_become_different_providers() -> None:
    text = "_a.b-c.test\na.b.c.test\na-b.c.test\n__._\npostwhite.networks\n192.0.2.1\n"
    names = {(each.domains or tuple(each.networks.texts()))[0]: each.name for each in own(text)}
    assert names == {
        "_a.b-c.test": "a-b-c-test",
        "a.b.c.test": "a-b-c-test-2",
        "a-b.c.test": "a-b-c-test-3",
        "__._": "provider",
        "postwhite.networks": "postwhite-networks",
        "192.0.2.1/32": "postwhite-networks-2",
    }


# --- the hosts that Postwhite had by itself ---


def built_in(text: str) -> str:
    return "\n".join(imported(text).built_in)


def test_the_hosts_are_those_of_postwhite() -> None:
    groups = json.loads((WORLD / "providers.json").read_bytes())
    known = {host for name in groups if name.startswith("postwhite_") for host in groups[name]}
    assert HOSTS.keys() == known - {"yahoo.com"}
    assert len(HOSTS) == 43


def test_the_provider_of_each_host_is_a_default_one_that_is_on() -> None:
    enabled = {provider.name for provider in DEFAULTS.enabled()}
    assert set(HOSTS.values()) - enabled == {NOBODY, NOTHING}


def test_a_provider_lists_most_of_what_a_host_that_it_covers_has_of_its_own() -> None:
    # what the record of a company includes beside that stands for itself, if it is on the list
    answers = Snapshot(world())
    listed = Networks.union(
        Networks.union([each.networks, *passed(each.domains, answers)])
        for each in DEFAULTS.enabled()
    )
    for host, name in HOSTS.items():
        if name not in (NOBODY, NOTHING):
            of_host = Networks.union(passed([host], answers)).family(4)
            assert sum_of(of_host - listed) * 2 <= sum_of(of_host), host


def passed(domains: Iterable[str], answers: Answers) -> Iterator[Networks]:
    evaluation = evaluate(domains, answers)
    return (evaluation.root(domain).passed for domain in domains)


def sum_of(networks: Networks) -> int:
    return sum(high - low + 1 for low, high in networks.ranges(4))


def test_it_is_said_who_covers_them_and_how_the_others_are_added() -> None:
    said = built_in("simplify=no\n")
    assert "cover 32 of the 43 hosts" in said
    assert "twitter.com (x)" in said and "hotmail.com (microsoft)" in said
    assert "for host in authsmtp.com fbmta.com" in said and "pinterest.com" in said
    assert "inbox.com, sparkpost.com, sparkpostmail.com list nothing" in said


def test_what_the_file_switches_off_covers_nothing_and_what_it_names_need_not_be_added() -> None:
    said = built_in("include_yahoo=no\ncustom_hosts='reddit.com pinterest.com'\n")
    assert "cover 31 of the 43 hosts" in said
    assert "for host in aol.com authsmtp.com" in said
    assert "reddit.com" not in said and "pinterest.com" not in said


def test_a_host_that_the_file_rejects_is_not_proposed() -> None:
    said = built_in("enable_blacklist=yes\nblacklist_hosts='icontact.com'\n")
    assert "for host in authsmtp.com fbmta.com" in said and "icontact.com" not in said


def test_where_the_file_names_all_others_no_command_is_proposed() -> None:
    others = " ".join(host for host, name in HOSTS.items() if name == NOBODY)
    assert "spfwhite add" not in built_in(f"custom_hosts='{others}'\n")


def test_of_a_list_of_hosts_nothing_is_said_about_those_of_postwhite() -> None:
    assert built_in("a.test\n") == ""


@pytest.mark.parametrize("switch", ["", "enable_blacklist=no\n", "enable_blacklist=''\n"])
def test_a_blacklist_that_is_not_enabled_is_a_remark(switch: str) -> None:
    text = f"blacklist_hosts=spam.example\n{switch}"
    assert own(text) == []
    sentence = "blacklist_hosts is not carried over: enable_blacklist is not yes"
    assert said(text) == [(1, sentence)]


def test_a_rejected_domain_that_is_permitted_too_is_remarked() -> None:
    text = "enable_blacklist=yes\ncustom_hosts=a.test\nblacklist_hosts='a.test sendgrid.net'\n"
    assert said(text) == [
        (3, "a.test is permitted, too, which wins over its rejection"),
        (
            3,
            "sendgrid.net is permitted by the default provider sendgrid, too, "
            "which wins over its rejection",
        ),
    ]
    assert [each.action for each in own(text)] == ["permit", "reject", "reject"]


def test_a_network_for_special_use_is_carried_over_and_said_not_to_be_listed() -> None:
    text = "custom_hosts='10.1.2.3 20.1.2.3'\n"
    assert said(text)[0] == (
        1,
        '"10.1.2.3" is for special use and not listed; '
        'special_use = "keep" in its provider lists it',
    )
    (provider,) = own(text)
    assert provider.networks.texts() == ["10.1.2.3/32", "20.1.2.3/32"]


@pytest.mark.parametrize("key", ["enable_blacklist", "include_yahoo", "reload_postfix"])
@pytest.mark.parametrize("value", ["YES", "true", "1", "y"])
def test_a_switch_that_is_neither_yes_nor_no_is_a_remark(key: str, value: str) -> None:
    sentence = f'{key} must be yes or no, not "{value}"; it is not carried over'
    assert said(f"simplify=\n{key}={value}\n") == [(2, sentence)]
    assert not loaded(f"{key}={value}\n").postfix.reload


def test_a_reload_that_is_off_stays_off() -> None:
    assert "reload = false" in imported("reload_postfix=no\n").overlay


@pytest.mark.parametrize(
    ("text", "allow", "reject"),
    [
        ("postfixpath=/srv/mx/", "/srv/mx/postscreen_spf_whitelist.cidr", "/srv/mx/*"),
        ("whitelist=a.cidr", "/etc/postfix/a.cidr", ""),
        ("blacklist='sub dir/r.cidr'", "", "/etc/postfix/sub dir/r.cidr"),
        ("postfixpath=/\nwhitelist=/a", "/a", "/*"),
        ("whitelist='a\"\\b'", '/etc/postfix/a"\\b', ""),
        ("whitelist=\u00fc", "/etc/postfix/\u00fc", ""),
        ("whitelist=''", "", ""),
    ],
)
def test_the_paths_of_the_tables_are_carried_over(text: str, allow: str, reject: str) -> None:
    config = loaded(text)
    default = "postscreen_spf_blacklist.cidr"
    assert config.output.allow == Path(allow or DEFAULTS.output.allow)
    assert config.output.reject == Path(reject.replace("*", default) or DEFAULTS.output.reject)
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("postfixpath=etc/postfix", 'must be an absolute path, not "etc/postfix"'),
        ("whitelist='a\tb'", 'must be a path, not "/etc/postfix/a\\009b"'),
        ("whitelist='a\nb'", 'must be a path, not "/etc/postfix/a\\010b"'),
        ("whitelist=same\nblacklist=same", "two files would have the same path"),
        ("whitelist=postscreen_spf_blacklist.cidr", "two files would have the same path"),
        ("postfixpath=/var/lib/spfwhite\nwhitelist=state.json", "two files would have the same"),
    ],
)
def test_a_path_that_cannot_be_used_is_a_remark(text: str, sentence: str) -> None:
    assert loaded(text).output == DEFAULTS.output
    assert sentence in said(text)[0][1]


def test_a_path_that_is_not_utf8_is_a_remark() -> None:
    [(_, remark)] = said(b"whitelist=\xff\n")
    assert '"/etc/postfix/\\255"' in remark


def test_an_unknown_setting_is_a_remark_with_its_line() -> None:
    assert said("simplify=\ncustom_host=a.test\n") == [
        (2, "custom_host is no setting of Postwhite; it is not carried over")
    ]


def test_hosts_that_the_shell_would_compute_are_a_remark() -> None:
    text = 'custom_hosts="a.test $(cat /etc/hosts)"\nreload_postfix=yes\n'
    assert own(text) == []
    assert loaded(text).postfix.reload
    assert [line for line, _ in said(text)] == [1]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_has_one_domain_or_network_a_line(end: str) -> None:
    lines = ["# senders", "", "a.test # ours", "  B.test.  ", "20.0.2.0/24", "2a00:1::1"]
    text = end.join([*lines, "20.51.100.1 - 20.51.100.2", "a.test", ""])
    providers = {each.name: each for each in own("\ufeff" + text)}
    assert [providers[name].domains for name in ("a-test", "b-test")] == [("a.test",), ("b.test",)]
    assert providers.pop("postwhite-networks").networks.texts() == [
        "20.0.2.0/24",
        "20.51.100.1/32",
        "20.51.100.2/32",
        "2a00:1::1/128",
    ]
    assert len(providers) == 2
    assert said(text) == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("localhost", '"localhost" is not a domain'),
        ("a.test b.test", '"a.test b.test" is not a domain'),
        ("include:a.test", '"include:a.test" is not a domain'),
        ("b\u00fccher.test", "write an IDN in its xn-- form"),
        ("192.0.2.1/24", "has host bits set; did you mean 192.0.2.0/24?"),
        ("192.0.2.0/33", "is not an IPv4 or IPv6 address, network or range"),
        ("192.0.2.9-192.0.2.1", "is a range that ends before it begins"),
        ("x = 1", '"x = 1" is not a domain'),
        ("google.com", "google.com is listed already, through the provider google"),
        ("google.test", ""),
        ("gmx.net", "gmx.net is listed already, through the provider gmx"),
    ],
)
def test_a_line_of_a_list_that_cannot_be_carried_over_is_a_remark(line: str, sentence: str) -> None:
    text = f"a.test\n\n{line}\n"
    assert [(number, sentence in remark) for number, remark in said(text)] == (
        [(3, True)] if sentence else []
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"# custom_hosts=a.test\n",
        b"x=1\n",
        b"%PDF-1.4\n\xff\xfe\n",
        b'[output]\nallow = "x"\n',
        b"<html><body>a.test</body></html>\n",
    ],
)
def test_a_file_that_is_neither_is_refused(data: bytes) -> None:
    with pytest.raises(NotPostwhiteError, match=r"is neither a postwhite\.conf nor a list"):
        imported(data)


def test_a_file_of_which_every_line_is_refused_says_why_the_first_is() -> None:
    with pytest.raises(NotPostwhiteError, match=r'; line 2: "192\.0\.2\.1/24" has host bits set'):
        imported("# ours\n192.0.2.1/24\nlocalhost\n")


def test_a_nul_is_refused() -> None:
    with pytest.raises(NotPostwhiteError, match="NUL"):
        imported(b"custom_hosts=a.test\0b.test\n")


def test_a_file_of_1_mib_is_read_and_a_longer_one_refused() -> None:
    text = b"custom_hosts=a.test\n"
    data = text + b"#" * (MAX_BYTES - len(text))
    assert "a-test" in imported(data).overlay
    with pytest.raises(NotPostwhiteError, match="has more than 1,048,576 bytes"):
        imported(data + b"#")


# --- lists of addresses: of Postwhite, and tables for postscreen ---


def test_a_list_of_terms_is_taken() -> None:
    # as the static lists of Postwhite and of all its forks are
    [provider] = own("ip4:192.0.2.0/24\nip4:198.51.100.7\nip6:2001:db8::/32\n")
    assert provider.networks.texts() == ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"]


def test_a_table_for_postscreen_is_taken_on_both_sides_and_its_first_match_counts() -> None:
    text = "20.0.2.7 reject\n20.0.2.0/30 PERMIT # partner\n2a00:1::/32\tpermit\n"
    permitted, rejected = own(f"{text}20.0.2.0/29 reject\n20.0.113.0/24\n")
    assert permitted.networks.texts() == ["20.0.2.0/30", "20.0.113.0/24", "2a00:1::/32"]
    assert (permitted.action, rejected.action) == ("permit", "reject")
    assert rejected.networks.texts() == ["20.0.2.4/30"]
    assert said(text) == []


# --- what forks, older versions and postallow call it ---


def test_the_tables_of_forks_are_carried_over_whole() -> None:
    output = loaded("postfixpath=/srv\nallowlist=a.cidr\ndenylist=d.cidr\n").output
    assert (str(output.allow), str(output.reject)) == ("/srv/a.cidr", "/srv/d.cidr")


@pytest.mark.parametrize("word", ["deny", "block"])
def test_the_reject_list_of_forks_is_carried_over(word: str) -> None:
    [provider] = own(f"enable_{word}list=yes\n{word}list_hosts=spam.test\n")
    assert (provider.domains, provider.action) == (("spam.test",), "reject")
    assert said(f"enable_{word}list=no\n{word}list_hosts=spam.test\n") == [
        (2, f"{word}list_hosts is not carried over: enable_{word}list is not yes")
    ]


def test_a_name_of_version_2_is_known_and_a_remark_has_the_name_that_the_file_has() -> None:
    text = "reloadpostfix=no\ninvalidip4=fix\n"
    assert "reload = false" in imported(text).overlay
    [(line, remark)] = said(text)
    assert (line, remark[:27]) == (2, "invalidip4 is not needed: h")


def test_the_senders_of_version_1_are_switched_one_by_one() -> None:
    text = "google=yes\nmicrosoft=no\nfacebook=no\ntwitter=no\n"
    switched = ["facebook", "google", "microsoft", "x"]
    providers = [each for each in loaded(text).providers if each.name in switched]
    assert [each.enabled for each in providers] == [False, True, False, False]
    assert (said(text), built_in(text)) == ([], "")


POSTALLOW = """\
allowlist_hosts=/usr/share/postallow/allowlist_hosts
custom_hosts_file=/etc/postallow/custom_hosts
output_dir=/var/lib/postallow
enable_blocklist=yes
invalid_cidr=fix
"""


def test_the_configuration_of_postallow_is_carried_over_and_names_what_to_import_next() -> None:
    output = loaded(POSTALLOW).output
    assert str(output.allow) == "/var/lib/postallow/postscreen_spf_allowlist.cidr"
    assert str(output.reject) == "/var/lib/postallow/postscreen_spf_blocklist.cidr"
    first, second, third = said(POSTALLOW)
    path = '"/usr/share/postallow/allowlist_hosts"'
    assert first == (1, f"allowlist_hosts is a file of its own: import {path} as well")
    assert second[1].startswith("custom_hosts_file is a file of its own: import ")
    assert third[1].startswith("invalid_cidr is not needed")
    assert built_in(POSTALLOW) == ""


@pytest.mark.parametrize("value", ["yes", "no"])
def test_without_scraped_extras_postallow_has_yahoo_all_the_same(value: str) -> None:
    config = loaded(f"{POSTALLOW}include_yahoo={value}\n")
    yahoo = next(each for each in config.providers if each.name == "yahoo")
    assert (yahoo.enabled, yahoo.pages_enabled) == (True, value == "yes")


def test_lists_of_hosts_in_shell_go_on_over_lines() -> None:
    text = 'email_hosts="a.test \\\n\tb.test _spf.c.test"\nbulk_hosts="gmx.net d.test"\n'
    domains = [("a.test",), ("b.test",), ("_spf.c.test",), ("d.test",)]
    assert {each.domains for each in own(text)} == set(domains)
    order = [imported(text).overlay.index(domain) for (domain,) in domains]
    assert order == sorted(order)
    assert said(text) == [(3, "gmx.net is listed already, through the provider gmx")]
    assert built_in(text) == ""


# --- Yahoo ---


def test_the_static_list_of_yahoo_is_read_on_if_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "yahoo.txt"
    file.write_text("ip4:192.0.2.0/24\n")
    text = f"include_yahoo=yes\nyahoo_static_hosts={file}\n"
    yahoo = next(each for each in loaded(text).providers if each.name == "yahoo")
    assert yahoo.networks.texts() == ["192.0.2.0/24"]
    assert not yahoo.pages_enabled
    assert said(text) == [(2, "yahoo_static_hosts is read by the provider yahoo; keep the file")]


@pytest.mark.parametrize("content", [b"", b"ip4:192.0.2.1/24\n", b"\xff\n"])
def test_a_static_list_that_no_run_would_read_is_said_and_the_page_takes_its_place(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "yahoo.txt").write_bytes(content)
    text = f"include_yahoo=yes\nyahoo_static_hosts={tmp_path}/yahoo.txt\n"
    yahoo = next(each for each in loaded(text).providers if each.name == "yahoo")
    assert (yahoo.pages_enabled, yahoo.networks_file) == (True, None)
    (page, why) = said(text)
    assert page == (1, "include_yahoo switches on the page on which Yahoo lists its addresses")
    assert why[1].startswith(f"yahoo_static_hosts is not carried over: {tmp_path}/yahoo.txt:")


@pytest.mark.parametrize("switch", ["", "include_yahoo=no\n"])
def test_a_static_list_that_was_not_included_is_not_either_and_that_is_said(switch: str) -> None:
    text = f"yahoo_static_hosts=/etc/yahoo.txt\n{switch}"
    assert said(text) == [(1, "yahoo_static_hosts is not carried over: include_yahoo is not yes")]


KEYS = ["postfixpath", "whitelist", "blacklist", "custom_hosts", "blacklist_hosts"]
KEYS += ["enable_blacklist", "include_yahoo", "reload_postfix", "yahoo_static_hosts", "other"]
KEYS += ["output_dir", "allowlist", "denylist", "allowlist_hosts", "bulk_hosts", "google"]
VALUES = ["/etc", "x", "yes", "no", "a.test", "b.test _c.d-e.test", "192.0.2.1", "::/0", "mail.de"]
VALUES += [
    '"',
    "'",
    "\\",
    "\n",
    "]",
    "$x",
    "$whitelist",
    "`",
    "(",
    ")",
    " ",
    "#",
    "=",
    "\x7f",
    "\t",
]
VALUES += ["ip4:", " permit", " reject"]
CONFS = st.lists(
    st.tuples(st.sampled_from(KEYS), st.lists(st.sampled_from(VALUES) | st.text(max_size=4)))
).map(lambda lines: "\n".join(f"{key}={''.join(value)}" for key, value in lines).encode())
QUOTED = st.lists(st.tuples(st.sampled_from(KEYS), st.text())).map(
    lambda lines: "\n".join(f"{key}='{value}'" for key, value in lines if "'" not in value).encode()
)
LISTS = st.lists(st.sampled_from(VALUES) | st.text(max_size=8)).map("\n".join).map(str.encode)


@given(st.binary() | CONFS | QUOTED | LISTS | st.tuples(CONFS, st.binary()).map(b"\n".join))
def test_any_bytes_are_refused_or_give_an_overlay_that_loads(data: bytes) -> None:
    try:
        result = imported(data)
    except NotPostwhiteError:
        return
    loaded(data)
    for remark in result.remarks:
        assert remark.text.isascii() and remark.text.isprintable()
        assert 1 <= remark.line <= data.count(b"\n") + 1
