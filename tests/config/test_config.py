"""The configuration as a whole: the packaged file, what wins over it, what each provider gets."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from spfwhite.config.loading import load, packaged
from spfwhite.config.overlay import TABLES
from spfwhite.config.settings import Config, Provider
from spfwhite.errors import ConfigError
from spfwhite.networks import Networks

PACKAGED = Path(__file__).parents[2] / "providers.toml"

REMOVED = ("booking", "pinterest", "reddit", "salesforce", "stripe")
"""Providers that listed nothing, or next to nothing of their own."""

COMPANIES = """
amazon.com amazonses.com booking.com constantcontact.com github.com gitlab.com mailchimp.com
mailjet.com paypal.com pinterest.com reddit.com salesforce.com smtp2go.com stripe.com zendesk.com
"""
"""Domains whose records name what the company buys; amazonses.com is what its customers include."""

LABEL = r"[a-z0-9_](?:[a-z0-9-]{0,61}[a-z0-9])?"
EVIDENCE = re.compile(r"# [ABC] 20\d\d(-(0[1-9]|1[0-2]))?\b.*")
"""How good the evidence for a provider is, and of when."""

Loader = Callable[[str], Config]


@pytest.fixture
def overlaid(tmp_path: Path) -> Loader:
    """Return a function that loads an overlay of the given text as `-c` does."""

    def read(text: str) -> Config:
        path = tmp_path / "own.toml"
        path.write_text(text)
        return load(path)

    return read


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Return an empty folder that stands for /etc/spfwhite."""
    folder = tmp_path / "spfwhite"
    (folder / "providers.d").mkdir(parents=True)
    return folder


def provider(config: Config, name: str) -> Provider:
    return next(each for each in config.providers if each.name == name)


# --- the packaged file ---


def test_every_key_stands_in_the_packaged_file_and_no_other() -> None:
    document = tomllib.loads(PACKAGED.read_text())
    found = {(table, key) for table in TABLES for key in document[table]}
    assert found == {(table, key) for table, rules in TABLES.items() for key in rules}


def test_every_key_of_the_settings_has_a_comment_above_it() -> None:
    settings, found, _ = PACKAGED.read_text().partition("\n# --- mailbox")
    assert found
    lines = settings.splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r"\w+ = ", line)]
    assert len(keys) > sum(map(len, TABLES.values()))
    assert [lines[n] for n in keys if not re.match(r"# \S", lines[n - 1])] == []


def test_the_package_holds_the_file_of_the_top_level() -> None:
    assert PACKAGED.with_name("spfwhite").joinpath("providers.toml").resolve() == PACKAGED.resolve()


def defaults(system: Path) -> list[tuple[str, str, str]]:
    """Return category, provider and domain of each default domain."""
    providers = load(system=system).providers
    return [(each.category, each.name, domain) for each in providers for domain in each.domains]


def test_each_default_domain_is_well_formed(system: Path) -> None:
    domains = [domain for _, _, domain in defaults(system)]
    assert len(domains) > 100
    assert [d for d in domains if not re.fullmatch(rf"({LABEL}\.)+[a-z]{{2,}}", d)] == []


def test_each_default_domain_is_that_of_one_provider_and_so_in_one_category(system: Path) -> None:
    domains = [domain for _, _, domain in defaults(system)]
    assert sorted(domains) == sorted(set(domains))


def test_each_default_provider_has_its_evidence_above_it() -> None:
    lines = PACKAGED.read_text().splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("[providers.")]
    assert len(heads) > 80
    assert [lines[n] for n in heads if not EVIDENCE.fullmatch(lines[n - 1])] == []


def test_no_evidence_is_younger_than_the_list(system: Path) -> None:
    listed = load(system=system).list_date
    assert listed
    months = re.findall(r"(?m)^# [ABC] (20\d\d(?:-\d\d)?)", PACKAGED.read_text())
    assert max(months) <= f"{listed:%Y-%m}"


def test_providers_stand_below_the_heading_of_their_category() -> None:
    _, *parts = re.split(r"(?m)^# --- (\S+) ---$", PACKAGED.read_text())
    named = dict(zip(parts[::2], parts[1::2], strict=True))
    for category, part in named.items():
        assert set(re.findall(r'(?m)^category = "(.*)"$', part)) == {category}
        assert len(re.findall("(?m)^category", part)) == len(re.findall(r"(?m)^\[pro", part))


def test_what_lists_nothing_of_its_own_is_no_default_and_a_comment_says_why(system: Path) -> None:
    names = {each.name for each in load(system=system).providers}
    text = PACKAGED.read_text()
    for name in REMOVED:
        assert name not in names
        assert re.search(rf"(?m)^# .*\b{name}\.com\b", text)


def test_a_sender_is_followed_by_its_own_include_and_not_by_the_record_of_its_company(
    system: Path,
) -> None:
    assert {domain for _, _, domain in defaults(system)} & set(COMPANIES.split()) == {
        "amazonses.com"
    }


def test_hosting_forwarding_and_regions_are_off_and_mailboxes_of_germany_on(system: Path) -> None:
    config = load(system=system)
    off = {name for name, on in config.categories.items() if not on}
    assert {"hosting", "forwarding"} < off
    assert "de" not in config.categories
    for name in ("t-online", "freenet", "mail-de", "posteo", "mailbox-org", "gmx", "web-de"):
        assert provider(config, name).category == "mailbox"
        assert provider(config, name).enabled
    for name in ("ionos", "strato", "ovh", "mailchannels", "simplelogin", "seznam", "qq"):
        assert not provider(config, name).enabled


def test_zoho_is_asked_by_small_answers_and_aol_with_yahoo(system: Path) -> None:
    config = load(system=system)
    assert "zoho.com" not in provider(config, "zoho").domains
    assert "spf.zoho.com" in provider(config, "zoho").domains
    assert "aol.com" in provider(config, "yahoo").domains


def test_the_widest_terms_that_were_seen_pass_and_wider_ones_do_not(system: Path) -> None:
    safety = load(system=system).safety
    assert (safety.widest_ipv4, safety.widest_ipv6) == (14, 32)


# --- its date ---


def test_the_list_has_a_date_which_an_overlay_leaves_and_a_newer_list_replaces(
    overlaid: Loader,
) -> None:
    packaged = tomllib.loads(PACKAGED.read_text())["list_date"]
    assert overlaid("# nothing").list_date == packaged
    assert overlaid("list_date = 2999-01-31").list_date == date(2999, 1, 31)
    assert overlaid("list_date = 2001-01-31").list_date == packaged


def test_without_the_default_providers_there_is_no_date(overlaid: Loader) -> None:
    assert overlaid('defaults = false\n[providers.b]\ndomains = ["b.test"]').list_date is None


def test_a_date_that_is_none_is_refused(overlaid: Loader) -> None:
    with pytest.raises(ConfigError, match="list_date must be a date such as"):
        overlaid('list_date = "soon"')


def test_every_default_category_has_a_switch_and_every_switch_a_provider(system: Path) -> None:
    config = load(system=system)
    assert {p.category for p in config.providers} == config.categories.keys()


def test_loading_imports_no_slow_package() -> None:
    code = (
        "import pathlib, sys, spfwhite.config.loading as c; c.load(system=pathlib.Path('/none'));"
        "print([m for m in ('dns', 'httpx', 'netaddr', 'click') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


# --- what wins ---


def test_an_overlay_changes_its_key_and_no_other(overlaid: Loader) -> None:
    config, plain = overlaid("[dns]\nattempts = 2"), overlaid("# nothing")
    assert (config.dns.attempts, plain.dns.attempts) == (2, 4)
    assert config.dns.deadline == plain.dns.deadline
    assert config.providers == plain.providers


def test_system_overlays_apply_in_name_order_after_the_main_one(system: Path) -> None:
    (system / "providers.toml").write_text("[dns]\nattempts = 2\nconcurrency = 2\nmax_qps = 2")
    (system / "providers.d/20-b.toml").write_text("[dns]\nattempts = 5")
    (system / "providers.d/10-a.toml").write_text("[dns]\nattempts = 3\nconcurrency = 3")
    (system / "providers.d/.30-c.toml").write_text("never read")
    (system / "providers.d/40-d.toml.bak").write_text("never read")
    dns = load(system=system).dns
    assert (dns.attempts, dns.concurrency, dns.max_qps) == (5, 3, 2)


def test_a_given_file_takes_the_place_of_the_system_overlays(system: Path, tmp_path: Path) -> None:
    (system / "providers.toml").write_text("[dns]\nattempts = 2")
    (tmp_path / "own.toml").write_text("# nothing")
    assert load(tmp_path / "own.toml", system=system).dns.attempts == 4


def test_a_missing_system_folder_leaves_the_defaults(tmp_path: Path) -> None:
    assert load(system=tmp_path / "none").dns.attempts == 4


def test_lists_replace_and_what_is_excluded_unites(system: Path) -> None:
    for name, network in (("a", "192.0.2.0/24"), ("b", "2001:db8::/32")):
        (system / f"providers.d/{name}.toml").write_text(
            f'[safety]\nexclude = ["{network}", "{name.upper()}.test."]\n'
            f'[providers.own]\nnetworks = ["{network}"]'
        )
    config = load(system=system)
    assert config.safety.exclude.networks == Networks.parse(["192.0.2.0/24", "2001:db8::/32"])
    assert config.safety.exclude.domains == {"a.test", "b.test"}
    assert provider(config, "own").networks == Networks.parse(["2001:db8::/32"])


def test_a_domain_that_is_excluded_is_no_domain_of_a_provider(overlaid: Loader) -> None:
    config = overlaid(
        '[safety]\nexclude = ["sendgrid.net", "_spf1.yahoo.com", "own.test", "fe.de"]\n'
        '[providers.own]\ndomains = ["own.test"]\nnetworks = ["192.0.2.0/24"]'
    )
    assert config.safety.exclude.networks == Networks()
    assert not provider(config, "sendgrid").enabled
    assert provider(config, "yahoo").domains == ("_spf2.yahoo.com", "_spf3.yahoo.com", "aol.com")
    assert (provider(config, "own").enabled, provider(config, "own").domains) == (True, ())
    why = config.why_off(provider(config, "sendgrid"), date(2026, 1, 1))
    assert why == "`exclude` in [safety] has all its domains"
    assert config.widest("permit").excluded == config.widest("reject").excluded
    assert "fe.de" in config.widest("reject").excluded


def test_a_provider_is_merged_key_by_key_and_knows_who_touched_it_last(overlaid: Loader) -> None:
    config = overlaid("[providers.google]\nenabled = false")
    google, github = provider(config, "google"), provider(config, "github")
    assert (google.enabled, google.domains) == (False, ("_spf.google.com",))
    assert google.defined_in.endswith("own.toml")
    assert github.defined_in.endswith("/spfwhite/providers.toml")


def test_defaults_false_leaves_the_settings_and_no_provider(overlaid: Loader) -> None:
    config = overlaid('defaults = false\n[providers.b]\ndomains = ["b.test"]\n')
    assert [each.name for each in config.providers] == ["b"]
    assert config.dns.attempts == 4
    assert provider(config, "b").enabled


def test_a_category_switch_and_a_provider_switch_must_both_be_on(overlaid: Loader) -> None:
    config = overlaid("[categories]\nsocial = false\nfr = true\n[providers.orange]\nenabled=false")
    on = {name: provider(config, name).enabled for name in ("linkedin", "orange", "laposte")}
    assert on == {"linkedin": False, "orange": False, "laposte": True}


def test_special_use_is_inherited_unless_the_provider_decides(overlaid: Loader) -> None:
    own = '[providers.{}]\nnetworks = ["10.0.0.1"]\n'
    config = overlaid(
        '[safety]\nspecial_use = "keep"\n'
        + own.format("a")
        + own.format("b")
        + 'special_use="drop"'
    )
    assert provider(config, "a").special_use == "keep"
    assert provider(config, "b").special_use == "drop"


def test_the_parts_are_frozen_and_providers_sorted(overlaid: Loader) -> None:
    config = overlaid("# nothing")
    with pytest.raises(AttributeError):
        config.dns.attempts = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        config.categories["de"] = True  # type: ignore[index]
    names = [each.name for each in config.providers]
    assert names == sorted(names)


def test_paths_are_relative_to_the_file_that_names_them(overlaid: Loader, tmp_path: Path) -> None:
    config = overlaid('[output]\nallow = "table"\n[state]\npath = "/var/state"')
    assert config.output.allow == tmp_path / "table"
    assert config.state.path == Path("/var/state")
    assert config.postfix.config_directory is None


def test_files_of_domains_and_networks_are_read(overlaid: Loader, tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_bytes(b"# ours\r\nA.test.\r\n\r\nb.test # two\r\n")
    (tmp_path / "n.txt").write_text("192.0.2.0/25\n192.0.2.128 - 192.0.2.255")
    own = overlaid(
        '[providers.own]\ndomains=["b.test"]\ndomains_file="d.txt"\nnetworks_file="n.txt"'
    )
    assert provider(own, "own").domains == ("b.test", "a.test")
    assert provider(own, "own").networks == Networks.parse(["192.0.2.0/24"])


# --- the digest ---

OWN = '[providers.own]\ndomains = ["a.test", "b.test"]\nnetworks = ["192.0.2.1"]\n'


@pytest.mark.parametrize(
    "text",
    [
        OWN + 'category = "de"\nenabled = false',
        OWN.replace('"a.test", "b.test"', '"B.test", "a.test."'),
        '[providers.own]\ndomains = ["b.test"]\ndomains_file = "d.txt"\nnetworks = ["192.0.2.1"]',
    ],
)
def test_the_digest_is_the_same_for_the_same_addresses(
    text: str, overlaid: Loader, tmp_path: Path
) -> None:
    (tmp_path / "d.txt").write_text("a.test")
    assert provider(overlaid(text), "own").digest == provider(overlaid(OWN), "own").digest


@pytest.mark.parametrize(
    "text",
    [
        OWN.replace("a.test", "c.test"),
        OWN.replace("192.0.2.1", "192.0.2.2"),
        OWN + 'action = "reject"',
        OWN + 'special_use = "keep"',
        OWN + 'domains_file = "d.txt"',
    ],
)
def test_the_digest_changes_with_what_decides_addresses(
    text: str, overlaid: Loader, tmp_path: Path
) -> None:
    (tmp_path / "d.txt").write_text("c.test")
    assert provider(overlaid(text), "own").digest != provider(overlaid(OWN), "own").digest


# --- what only the whole can tell ---


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[providers.own]\nenabled = true", "has none of domains, networks, domains_file"),
        ("[providers.gogle]\nenabled = false", "did you mean providers.google?"),
        ("[categories]\nmailbx = false", "did you mean categories.mailbox?"),
        (
            "[state]\npath = 'x'\n[output]\nreject = 'x'",
            "state.path is the same file as output.reject",
        ),
    ],
)
def test_a_configuration_that_contradicts_itself_is_refused(
    text: str, sentence: str, overlaid: Loader
) -> None:
    with pytest.raises(ConfigError) as caught:
        overlaid(text)
    assert "own.toml: " in str(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[providers.stripe]\nenabled = false",
        "[providers.zzz-of-nobody]\nenabled = false",
        "[providers.pinterest]\npages_enabled = true",
        "[categories]\nde = true",
        "[[output.tables]]\npath = '/t'\nproviders = ['reddit', 'google']",
        "[[output.tables]]\npath = '/t'\ncategories = ['de']",
    ],
)
def test_what_is_said_of_a_default_of_before_ends_no_run(text: str, overlaid: Loader) -> None:
    assert overlaid(text).enabled() == overlaid("# nothing").enabled()


def test_no_default_is_one_of_before(overlaid: Loader) -> None:
    listed = overlaid("# nothing").providers
    assert not {each.name for each in listed} & set(packaged().retired)
    assert not {each.category for each in listed} & set(packaged().retired)


def test_a_provider_of_the_operators_may_have_the_name_of_a_default_of_before(
    overlaid: Loader,
) -> None:
    own = overlaid('[providers.stripe]\ncategory = "de"\ndomains = ["a.test"]')
    assert provider(own, "stripe").domains == ("a.test",)


@pytest.mark.parametrize(
    ("said", "blamed"),
    [
        (["[output]\nallow = '/a'\nreject = '/a'"], "0.toml"),
        (["[output]\nallow = '/a'\n[state]\npath = '/a'"], "0.toml"),
        (["[output]\nallow = '/a'", "[state]\npath = '/a'"], "1.toml"),
        (["[state]\npath = '/a'", "[output]\nallow = '/a'"], "1.toml"),
        (["[state]\npath = '/a'", "[[output.tables]]\npath = '/a.bad'"], "1.toml"),
    ],
)
def test_the_file_that_set_a_shared_path_is_blamed_and_no_later_one(
    said: list[str], blamed: str, system: Path
) -> None:
    for number, text in enumerate([*said, OWN]):
        (system / f"providers.d/{number}.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(system=system)
    assert str(caught.value).startswith(f"{system}/providers.d/{blamed}: ")


def test_a_switch_for_a_category_of_an_own_provider_is_known(overlaid: Loader) -> None:
    config = overlaid(OWN + 'category = "ours"\n[categories]\nours = false')
    assert not provider(config, "own").enabled


def test_a_folder_may_be_that_of_the_overlay(tmp_path: Path) -> None:
    (tmp_path / "main.cf").touch()
    overlay = tmp_path / "providers.toml"
    overlay.write_text('[postfix]\nconfig_directory = "."\n')
    assert load(overlay).postfix.config_directory == tmp_path
