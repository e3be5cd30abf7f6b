"""`spfwhite check`, as a process, against the real Postfix with a configuration of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.cli import TABLE, Finished, listing, overlay, spfwhite
from tests.support.dnsserver import DnsServer

POSTCONF = shutil.which("postconf", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        POSTCONF is None and os.environ.get("CI") != "true", reason="Postfix is not installed"
    ),
]

LIST = "postscreen_access_list"
AGE = re.compile("[0-9]+ [a-z]+ ago")
IN_README = "/etc/postfix/postscreen_spf_whitelist.cidr"
POSTSCREEN = "smtp inet n - y - 1 postscreen"


def postconf(folder: Path, *arguments: str) -> None:
    """Run postconf on the main.cf and master.cf of a folder."""
    assert POSTCONF, "CI without Postfix: .ci/run installs it"
    subprocess.run([POSTCONF, "-c", str(folder), *arguments], check=True, timeout=60)
    for file in folder.iterdir():
        os.utime(file, (0, 0))  # Postfix waits until a fresh main.cf has cooled down


@dataclass(frozen=True)
class Site:
    """A folder with an overlay, its table and state, and the main.cf and master.cf of Postfix."""

    folder: Path
    config: Path

    @property
    def table(self) -> Path:
        return self.folder / TABLE

    @property
    def program(self) -> str:
        """How a command to copy begins."""
        return f"spfwhite -c {self.config}"

    def postconf(self, *arguments: str) -> None:
        postconf(self.folder / "postfix", *arguments)

    def check(self, *arguments: str) -> Finished:
        return spfwhite("-c", self.config, "check", *arguments)

    def troubles(self) -> list[str]:
        """Return what the command says beyond ok, having checked its exit code.

        That this Postfix does not run is left out.
        """
        done = self.check()
        assert done.stderr == ""
        well = "ok: ", "note: Postfix: does not run"
        every = done.stdout.replace("\n    ", ": ").splitlines()  # a command is a line of its own
        lines = [line for line in every if not line.startswith(well)]
        counts = any(line.startswith(("warning: ", "error: ")) for line in lines)
        assert done.returncode == int(counts)
        return lines

    def trouble(self) -> str:
        lines = self.troubles()
        assert len(lines) == 1, lines
        return lines[0]


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of Postfix's configuration whose postscreen reads the table above it."""
    folder = tmp_path_factory.mktemp("postfix")
    for file in ("main.cf", "master.cf"):
        shutil.copy2(Path("/etc/postfix", file), folder)
    services = [
        "smtpd/pass=smtpd pass - - y - - smtpd",
        "tlsproxy/unix=tlsproxy unix - - y - 0 tlsproxy",
    ]
    postconf(folder, "-M", f"smtp/inet={POSTSCREEN}", *services)
    table = f"cidr:$config_directory/../{TABLE}"
    postconf(folder, "-e", f"{LIST} = permit_mynetworks, {table}")
    return folder


@pytest.fixture
def site(wired: Path, dns_server: DnsServer) -> Iterator[Site]:
    """Return a site where all is well: generated, and wired into postscreen."""
    own = '[providers.own]\nnetworks = ["192.0.2.0/24"]\n'
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name).resolve()
        folder.chmod(0o755)
        shutil.copytree(wired, folder / "postfix")
        more = f'{own}[postfix]\nconfig_directory = "postfix"'
        site = Site(folder, overlay(folder, {}, server=dns_server, more=more))
        done = spfwhite("-c", site.config, "generate")
        assert done.returncode == 0, done.stderr
        yield site


def add_reject_table(site: Site) -> Path:
    """Put a reject table beside the allow table, as a run writes it."""
    path = site.folder / "reject.cidr"
    header = "# reject.cidr: written by spfwhite 1; do not edit"
    path.write_text(f"{header}\n198.51.100.0/24\treject\n")
    return path


def test_where_all_is_well_every_finding_is_ok_and_the_exit_code_0(site: Site) -> None:
    assert site.troubles() == []
    lines = site.check().stdout.splitlines()
    for what in ("configuration", "state.json", TABLE, "master.cf", LIST):
        assert any(what in line for line in lines), what


def test_a_trouble_that_the_run_no_longer_says_is_still_found(site: Site) -> None:
    more = '[providers.many]\nnetworks = ["192.0.2.0/24"]\ndomains = ["gone.test"]\n'
    site.config.write_text(site.config.read_text() + more)
    assert [spfwhite("-c", site.config, "generate").returncode for _ in range(2)] == [3, 0]
    day = datetime.now(UTC).date()
    said = f"warning: providers: many is missing since {day}: `{site.program} providers` says"
    said += " what to do"
    assert site.trouble() == said


def test_json_holds_the_same_findings(site: Site) -> None:
    site.postconf("-e", f"{LIST} = ")
    text, data = site.check(), site.check("--format", "json")
    assert text.returncode == data.returncode == 1
    findings = json.loads(AGE.sub("lately", data.stdout))
    parts = ("level", "subject", "text", "advice", "command")
    assert {tuple(finding) for finding in findings} == {parts}
    lines = [": ".join(filter(None, finding.values())) for finding in findings]
    assert lines == AGE.sub("lately", text.stdout).replace("\n    ", ": ").splitlines()


def test_quiet_is_only_what_has_to_be_done(site: Site) -> None:
    done = spfwhite("-q", "-c", site.config, "check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    site.table.unlink()
    done = spfwhite("-q", "-c", site.config, "check")
    assert done.returncode == 1
    assert done.stdout.startswith(f"error: {site.table}: ")


def test_a_check_changes_no_file_and_asks_no_name_server(site: Site, dns_server: DnsServer) -> None:
    with site.config.open("a") as file:
        file.write('[providers.a]\ndomains = ["a.test"]\n')
    dns_server.queries.clear()
    before = listing(site.folder)
    assert site.troubles() == []
    assert listing(site.folder) == before
    assert dns_server.queries == []


def test_a_fault_of_the_configuration_is_one_error_with_file_and_key(site: Site) -> None:
    site.config.write_text("[spf]\nstrict = 1\n")
    line = site.trouble()
    assert line.startswith(f"error: configuration: {site.config}: spf.strict ")
    assert line.endswith("not 1: the rest is checked once that is mended")


def test_a_state_of_two_days_ago_is_a_warning(site: Site) -> None:
    path = site.folder / "state.json"
    data = json.loads(path.read_bytes())
    data["written"] -= 49 * 3600
    path.write_text(json.dumps(data))
    assert site.trouble().startswith(f"warning: {path}: the last run was 2 days ago: ")


@pytest.mark.parametrize("content", ["", "{}", "[" * 100_000, '{"format": "spfwhite-state"}'])
def test_a_state_that_is_none_is_an_error(content: str, site: Site) -> None:
    path = site.folder / "state.json"
    path.write_text(content)
    assert site.trouble().startswith(f"error: {path}: the state ")


def test_a_table_that_was_edited_is_a_warning(site: Site) -> None:
    with site.table.open("a") as file:
        file.write("198.51.100.1/32\tpermit\n")
    assert "is not as the last run wrote it" in site.trouble()


def test_a_table_that_is_missing_is_an_error(site: Site) -> None:
    site.table.unlink()
    assert site.trouble() == (
        f"error: {site.table}: the table is missing, and postscreen ignores all that its access "
        f"list names after it: run `{site.program} generate`"
    )


def test_a_state_that_is_gone_is_told_from_one_that_never_was(site: Site) -> None:
    state = site.folder / "state.json"
    state.unlink()
    assert site.trouble() == (
        f"warning: {state}: the state is gone, but its table is there: "
        f"run `{site.program} generate`, which starts a new one and compares its "
        "list with that table"
    )
    site.table.unlink()
    assert site.troubles()[0] == (
        f"warning: {state}: there is no state yet: run `{site.program} generate`"
    )


def test_a_folder_that_is_missing_is_said_with_the_way_out(site: Site) -> None:
    path = site.folder / "none" / "x.cidr"
    site.config.write_text(site.config.read_text().replace(f'"{TABLE}"', f'"{path}"'))
    said = f"after it: make the folder {path.parent} or set output.allow, then run"
    assert f"error: {path}: the table is missing, and postscreen ignores " in site.check().stdout
    assert said in site.check().stdout


def test_a_table_that_is_a_folder_is_an_error(site: Site) -> None:
    site.table.unlink()
    site.table.mkdir(mode=0o755)
    found = "\n".join(site.troubles())
    assert f"error: {site.table}: cannot read {site.table}: it is a folder: mend that\n" in found


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone is careful")
def test_what_root_does_not_use_is_said_once_with_its_mend(site: Site) -> None:
    site.table.chmod(0o666)
    said = "others can write it, so root does not use it; chmod go-w"
    assert f"error: {site.table}: {said} {site.table}: mend that" in site.troubles()


def test_a_main_cf_that_does_not_name_the_table_is_an_error(site: Site) -> None:
    site.postconf("-X", LIST)
    assert site.trouble().startswith(f"error: {LIST}: does not name {site.table}: ")


def test_a_parameter_in_the_access_list_is_expanded_as_often_as_it_takes(site: Site) -> None:
    value = f"{LIST} = permit_mynetworks, $tables"
    site.postconf("-e", "it = /dev/null", "tables = cidr:$it", value)
    assert site.trouble().startswith(f"error: {LIST}: does not name ")
    site.postconf("-e", f"it = {site.table}")
    assert site.troubles() == []


def test_an_option_of_the_service_in_master_cf_counts_instead_of_main_cf(site: Site) -> None:
    site.postconf("-M", f"smtp/inet={POSTSCREEN} -o {LIST}=permit_mynetworks")
    assert site.trouble().startswith(f"error: smtp/inet/{LIST}: does not name ")


def test_a_missing_table_before_ours_is_an_error(site: Site) -> None:
    site.postconf("-e", f"{LIST} = permit_mynetworks, cidr:/nowhere/x, cidr:{site.table}")
    assert site.trouble().startswith(f"error: {LIST}: cidr:/nowhere/x is missing")
    assert "postscreen uses it" not in site.check().stdout
    site.postconf("-e", f"{LIST} = permit_mynetworks, cidr:{site.table}")
    assert "postscreen uses it" in site.check().stdout


def test_a_postfix_without_postscreen_is_a_warning(site: Site) -> None:
    site.postconf("-M", "smtp/inet=smtp inet n - y - - smtpd")
    assert site.trouble().startswith("warning: master.cf: has no postscreen")
    assert "postscreen uses it" not in site.check().stdout


def test_a_reject_table_has_to_be_named_and_not_ignored(site: Site) -> None:
    reject = add_reject_table(site)
    assert site.trouble().startswith(f"error: {LIST}: does not name {reject}: ")
    site.postconf("-e", f"{LIST} = permit_mynetworks, cidr:{site.table}, cidr:{reject}")
    line = site.trouble()
    assert line.startswith("warning: postscreen_")
    assert "is ignore" in line
    name = line.split(": ")[1]  # as the installed version calls it
    site.postconf("-e", f"{name} = enforce")
    assert site.troubles() == []


def test_a_reject_table_that_is_empty_again_has_not_to_be_named(site: Site) -> None:
    reject = add_reject_table(site)
    reject.write_text(reject.read_text().partition("\n")[0] + "\n")
    assert not [line for line in site.troubles() if LIST in line]
    assert spfwhite("-c", site.config, "generate").returncode == 0
    assert site.troubles() == []


def test_an_empty_reject_table_has_to_be_named_while_a_provider_rejects(site: Site) -> None:
    reject = add_reject_table(site)
    reject.write_text(reject.read_text().partition("\n")[0] + "\n")
    pests = '[providers.pests]\naction = "reject"\ndomains = ["gone.test"]\n'
    site.config.write_text(site.config.read_text() + pests)
    assert any(f"{LIST}: does not name {reject}: " in line for line in site.troubles())


def test_a_file_in_place_of_a_reject_table_that_nothing_needs_is_none_of_its_business(
    site: Site,
) -> None:
    (site.folder / "reject.cidr").write_text("198.51.100.0/24 reject\n")
    assert site.troubles() == []


def test_a_comment_behind_a_value_is_an_error(site: Site) -> None:
    with (site.folder / "postfix" / "main.cf").open("a") as file:
        file.write("postscreen_denylist_action = enforce # ignore by default\n")
        file.write("postscreen_blacklist_action = enforce # ignore by default\n")
    line = site.trouble()
    assert line.startswith("error: postscreen_")
    assert ": is enforce # ignore by default, at which postscreen ends" in line


def test_a_deep_test_without_the_allow_table_is_a_warning(site: Site) -> None:
    site.postconf("-e", "postscreen_pipelining_enable = yes", f"{LIST} = permit_mynetworks")
    lines = "\n".join(site.troubles())
    assert "warning: postscreen_pipelining_enable: is on without the allow table" in lines


def test_allow_lists_in_dns_without_a_threshold_are_a_note_and_exit_0(site: Site) -> None:
    site.postconf("-e", "postscreen_dnsbl_sites = list.dnswl.org=127.0.[0..255].[1..3]*-2")
    site.postconf("-M", "dnsblog/unix=dnsblog unix - - y - 0 dnsblog")
    line = site.trouble()
    assert line.startswith("note: postscreen_dnsbl_")
    name = line.split(": ")[1]
    site.postconf("-e", f"{name} = -1")
    assert site.troubles() == []


def test_by_the_commands_that_it_prints_the_first_run_of_the_readme_ends_well(site: Site) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    section = readme.partition("## First run")[2].partition("\n## ")[0]
    for file in ("main.cf", "master.cf"):
        shutil.copy2(Path("/etc/postfix", file), site.folder / "postfix")
    fresh = ["postconf", "-c", str(site.folder / "postfix"), "-X", "postscreen_access_list"]
    subprocess.run(fresh, check=True, timeout=60)  # the machine may use the table itself
    found = site.check("-q").stdout
    # with other paths, and without the ... of the README, it is what the README shows
    shown = section[section.index("warning: ") : section.rindex("\n```")].split(" ... && postfix")
    plain = found.replace(f" -c {site.folder}/postfix", "").replace(str(site.table), IN_README)
    for part in shown:
        assert part.removeprefix(" reload\n") in plain
    for command in re.findall("(?m)^    (postconf .*) && postfix .* reload$", found):
        subprocess.run(["sh", "-euc", command], check=True, timeout=60)
    for path in (site.folder / "postfix").iterdir():
        os.utime(path, (0, 0))
    assert site.troubles() == []


def test_a_folder_of_postfix_without_main_cf_is_an_error(site: Site) -> None:
    (site.folder / "postfix" / "main.cf").unlink()
    line = site.trouble()
    assert line.startswith(f"error: configuration: {site.config}: postfix.config_directory ")
    assert "there is no main.cf" in line


@pytest.mark.parametrize("file", ["main.cf", "master.cf"])
def test_a_file_that_postfix_itself_refuses_is_one_error(file: str, site: Site) -> None:
    (site.folder / "postfix" / file).write_text("neither a parameter nor a service\n")
    line = site.trouble()
    assert line.startswith("error: Postfix: postconf exited with 1: ")
    assert file in line


@pytest.mark.parametrize(("form", "shown"), [("text", "\\027[31m"), ("json", "\\\\027[31m")])
def test_nothing_in_main_cf_steers_the_terminal(form: str, shown: str, site: Site) -> None:
    with (site.folder / "postfix" / "main.cf").open("ab") as file:
        file.write(b"%s = cidr:/\x1b[31m\xff\xc2\x9b \x7fx\n" % LIST.encode())
    done = site.check("--format", form)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"cidr:/{shown}" in done.stdout
    assert all(32 <= ord(character) < 127 or character == "\n" for character in done.stdout)


def test_a_postwhite_table_beside_ours_is_a_note(site: Site) -> None:
    old = site.folder / "old.cidr"
    old.write_text("# Whitelist generated by Postwhite v3.4\n192.0.2.0/24 permit\n")
    assert site.trouble().startswith(f"note: {old}: was written by Postwhite")


def test_an_unknown_format_is_a_usage_error(site: Site) -> None:
    done = site.check("--format", "xml")
    assert (done.returncode, done.stdout) == (2, "")
