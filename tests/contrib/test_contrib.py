"""The files of `contrib/`: systemd, cron and Postfix accept them, and they agree with the program.

Nothing is installed and no service is started: the parsers of the real programs read copies. What
the units do is in `tests.contrib.test_systemd_boot`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Sequence
from configparser import ConfigParser
from pathlib import Path

import pytest

from spfwhite import programs
from spfwhite._version import __version__
from spfwhite.config.loading import load
from spfwhite.sources import page_fetch
from tests.support.cli import spfwhite

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CONTRIB = ROOT / "contrib"
SYSTEMD = CONTRIB / "systemd"
README = (CONTRIB / "README.md").read_text()
MAIN_CF = (CONTRIB / "postfix" / "main.cf").read_text()
UNITS = sorted(path.name for path in SYSTEMD.glob("spfwhite*"))

PROGRAM = "/opt/spfwhite/bin/spfwhite"
STAND_INS = (PROGRAM, "/usr/sbin/sendmail")

EXPOSURE = 15
"""Tenths of what `systemd-analyze security` may give the service; measured: 1.3 (systemd 252)."""


def installed(program: str) -> str:
    """Return the path of a program; without it the test is skipped, and fails in CI."""
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        assert os.environ.get("CI") != "true", f"CI without {program}: .ci/run installs it"
        pytest.skip(f"{program} is not installed")
    return path


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=60, check=False
    )


def unit(name: str) -> ConfigParser:
    """Return a unit of which each key counts once; keys are case-sensitive."""
    parser = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(SYSTEMD / name)
    return parser


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """Return copies of the units whose programs all exist."""
    stand_in = tmp_path / "program"
    stand_in.write_text("#!/bin/sh\n")
    stand_in.chmod(0o755)
    copies = [tmp_path / name for name in UNITS]
    for copy in copies:
        text = (SYSTEMD / copy.name).read_text()
        for program in STAND_INS:
            text = text.replace(program, str(stand_in))
        copy.write_text(text)
    return copies


def complaints(units: Sequence[Path]) -> list[str]:
    """Return what systemd says of these units; it also reads those of the machine."""
    done = run(installed("systemd-analyze"), "verify", "--man=no", *units)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "spfwhite" in line]
    assert said or done.returncode == 0, done.stderr
    return said


def test_systemd_has_no_complaint_about_any_unit(units: list[Path]) -> None:
    assert len(units) == 3
    assert complaints(units) == []


def test_a_misspelt_key_would_be_a_complaint(units: list[Path]) -> None:
    service = next(path for path in units if path.name == "spfwhite.service")
    service.write_text(service.read_text() + "ProtectSystm=strict\n")
    assert "ProtectSystm" in "".join(complaints(units))


@pytest.mark.parametrize(("threshold", "passes"), [(EXPOSURE, True), (1, False)])
def test_the_service_is_as_little_exposed_as_was_measured(threshold: int, *, passes: bool) -> None:
    analyze = installed("systemd-analyze")
    if "--offline" not in run(analyze, "--help").stdout:
        pytest.skip("this systemd-analyze rates only units that are loaded")
    options = ("--offline=true", "--no-pager", f"--threshold={threshold}")
    done = run(analyze, "security", *options, SYSTEMD / "spfwhite.service")
    assert (done.returncode == 0) is passes, done.stdout + done.stderr


def test_sysusers_and_tmpfiles_make_the_user_and_its_folder_and_leave_etc_to_root(
    tmp_path: Path,
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give folders away")
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group"):
        (tmp_path / "etc" / name).write_text("")
    users, folders = (SYSTEMD / f"{kind}.d" / "spfwhite.conf" for kind in ("sysusers", "tmpfiles"))
    root = f"--root={tmp_path}"
    made = [
        run(installed("systemd-sysusers"), root, users),
        run(installed("systemd-tmpfiles"), root, "--create", folders),
    ]
    assert [done.returncode for done in made] == [0, 0], made
    entry = (tmp_path / "etc" / "passwd").read_text().strip().split(":")
    assert (entry[0], entry[5], Path(entry[6]).name) == ("spfwhite", "/var/lib/spfwhite", "nologin")
    for folder, owner in (("var/lib/spfwhite", int(entry[2])), ("etc/spfwhite/providers.d", 0)):
        status = (tmp_path / folder).stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (owner, 0o755), folder


def test_the_overlay_puts_everything_into_the_state_directory_of_the_service() -> None:
    config = load(SYSTEMD / "providers.toml")
    folder = Path("/var/lib") / unit("spfwhite.service")["Service"]["StateDirectory"]
    paths = (config.output.allow, config.output.reject, config.state.path)
    assert {path.parent for path in paths} == {folder}
    assert any(provider.enabled for provider in config.providers)


def test_the_service_calls_the_program_as_it_is() -> None:
    service = unit("spfwhite.service")["Service"]
    for command in (service["ExecStart"], service["ExecStopPost"].removeprefix("+")):
        program, *arguments = shlex.split(command)
        assert program == PROGRAM
        accepted(arguments)


def test_the_service_is_given_the_time_that_the_defaults_allow_a_run() -> None:
    dns = load(system=Path("/nowhere")).dns
    calls = 3  # postmap for each of two tables, postconf for whether one of them is read
    needed = dns.deadline + dns.hosts_deadline + page_fetch.SECONDS + calls * programs.TIMEOUT
    minutes = unit("spfwhite.service")["Service"]["TimeoutStartSec"].removesuffix("min")
    assert int(minutes) * 60 > needed + 30, "half a minute for what it does by itself"


def accepted(arguments: Sequence[str]) -> None:
    """Fail unless the program knows the command and its options; --help keeps it from acting."""
    done = spfwhite(*arguments, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(rf"Usage: .*spfwhite {arguments[0]} ", done.stdout)


def test_an_option_that_the_program_does_not_have_would_be_seen() -> None:
    with pytest.raises(AssertionError):
        accepted(["generate", "--no-such-option"])


def cron_line() -> list[str]:
    """Return the one line of the cron file that is neither a comment nor a variable."""
    lines = (CONTRIB / "cron" / "spfwhite").read_text().splitlines()
    jobs = [line for line in lines if re.match("[0-9*]", line)]
    assert len(jobs) == 1
    return jobs[0].split(None, 6)


def test_cron_runs_the_program_as_root_with_options_that_it_has() -> None:
    *_, user, command = cron_line()
    program, *arguments = shlex.split(command)
    assert (user, program) == ("root", PROGRAM)
    assert "%" not in command  # crontab(5): a % ends the command
    accepted(arguments)


def test_cron_runs_it_once_a_day_at_a_valid_time() -> None:
    minute, hour, *dates = cron_line()[:5]
    assert 0 <= int(minute) <= 59
    assert 0 <= int(hour) <= 23
    assert dates == ["*", "*", "*"]


def test_cron_reads_the_file_to_its_last_line() -> None:
    content = (CONTRIB / "cron" / "spfwhite").read_bytes()
    assert content.endswith(b"\n")  # crontab(5): a last line without newline is not run
    assert b"\nPATH=" in content


def test_the_random_time_of_the_readme_is_put_into_the_cron_file(tmp_path: Path) -> None:
    copy = tmp_path / "spfwhite"
    shutil.copy(CONTRIB / "cron" / "spfwhite", copy)
    (command,) = re.findall(r"(?m)^sed -i .*", README)
    fixed = re.sub(r"\$\(shuf[^)]*\)", "05", command).replace("/etc/cron.d/spfwhite", str(copy))
    assert run("sh", "-c", fixed).returncode == 0
    assert f"\n05 05 * * * root {PROGRAM} " in copy.read_text()


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """Return a copy of the machine's /etc/postfix, as if it used no access list yet."""
    postconf = installed("postconf")
    copy = Path(shutil.copytree("/etc/postfix", tmp_path / "postfix", symlinks=True))
    run(postconf, "-c", copy, "-X", "postscreen_access_list")
    return copy


def settings(folder: Path, lines: str) -> tuple[set[str], dict[str, str]]:
    """Return what postconf warns of only with these lines in main.cf, and what is set then."""
    postconf = (installed("postconf"), "-c", folder, "-n")
    before = set(run(*postconf).stderr.splitlines())
    with (folder / "main.cf").open("a") as file:
        file.write(f"\n{lines}")
    done = run(*postconf)
    assert done.returncode == 0, done.stderr
    pairs = (line.partition(" = ") for line in done.stdout.splitlines())
    return set(done.stderr.splitlines()) - before, {name: value for name, _, value in pairs}


def test_postfix_takes_the_lines_of_main_cf_as_they_are(instance: Path) -> None:
    warnings, values = settings(instance, MAIN_CF)
    allow = load(ROOT / "providers.toml").output.allow
    assert warnings == set()
    assert values["postscreen_access_list"].split() == ["permit_mynetworks", f"cidr:{allow}"]
    assert values["postscreen_denylist_action"] == "enforce"


def test_postfix_takes_them_with_the_reject_table_behind_the_allow_table(instance: Path) -> None:
    warnings, values = settings(instance, MAIN_CF.replace("#   cidr:", "    cidr:"))
    output = load(ROOT / "providers.toml").output
    tables = [f"cidr:{path}" for path in (output.allow, output.reject)]
    assert warnings == set()
    assert values["postscreen_access_list"].split() == ["permit_mynetworks", *tables]


def test_postfix_knows_every_parameter_that_main_cf_offers_in_a_comment(instance: Path) -> None:
    offered = re.sub("(?m)^#(?=postscreen_)", "", MAIN_CF)
    warnings, values = settings(instance, offered)
    assert warnings == set()
    assert values["postscreen_pipelining_enable"] == "yes"


def test_a_misspelt_parameter_would_be_a_warning(instance: Path) -> None:
    warnings, _ = settings(instance, MAIN_CF.replace("denylist_action", "denylst_action"))
    assert "postscreen_denylst_action" in "".join(warnings)


def test_the_readme_points_main_cf_at_the_tables_of_the_service(instance: Path) -> None:
    (command,) = re.findall(r"(?m)^(sed '.*) >>/etc/postfix/main.cf$", README)
    done = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    warnings, values = settings(instance, done.stdout)
    allow = load(SYSTEMD / "providers.toml").output.allow
    assert warnings == set()
    assert values["postscreen_access_list"].split() == ["permit_mynetworks", f"cidr:{allow}"]


def test_the_install_lines_of_the_readme_put_every_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "cron.d").mkdir()
    commands = re.findall(r"(?m)^install .*", README)
    for command in commands:
        moved = command.replace("/etc/", f"{tmp_path}/")
        subprocess.run(["sh", "-c", moved], cwd=ROOT, check=True, capture_output=True)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {
        "cron.d/spfwhite",
        "spfwhite/providers.d/10-systemd.toml",
        "sysusers.d/spfwhite.conf",
        "tmpfiles.d/spfwhite.conf",
        *(f"systemd/system/{name}" for name in UNITS),
    }


def test_the_readme_says_what_each_file_is() -> None:
    files = [path for path in CONTRIB.rglob("*") if path.is_file() and path.name != "README.md"]
    for path in files:
        folder, *below = path.relative_to(CONTRIB).parts
        entry = f"{folder}/" if folder in {"debian", "sample"} else "/".join((folder, *below))
        assert f"| `{entry}` |" in README, path


def test_a_purge_leaves_nothing_of_what_add_wrote(tmp_path: Path) -> None:
    etc, var = tmp_path / "etc", tmp_path / "var"
    (etc / "providers.d").mkdir(parents=True)
    for name in ("90-added.toml", ".90-added.toml.lock", "20-own.toml"):
        (etc / "providers.d" / name).touch()
    text = (CONTRIB / "debian" / "postrm").read_text()
    text = text.replace("/etc/spfwhite", str(etc)).replace("/var/lib/spfwhite", str(var))
    subprocess.run(["sh", "-c", text, "postrm", "purge"], check=True, timeout=60)
    assert [path.name for path in (etc / "providers.d").iterdir()] == ["20-own.toml"]


def test_a_removal_says_how_a_table_that_postfix_names_is_taken_out(tmp_path: Path) -> None:
    installed("postconf")
    etc, var = tmp_path / "etc", tmp_path / "var"
    table, state = var / "postscreen_spf_whitelist.cidr", var / "state.json"
    instance = etc / "postfix-in"
    for folder in (instance, var):
        folder.mkdir(parents=True)
    listed = f"permit_mynetworks, cidr:{table},\n  cidr:/etc/postfix/own.cidr"
    (instance / "main.cf").write_text(f"postscreen_access_list = {listed}\n")
    (instance / "master.cf").touch()
    text = (CONTRIB / "debian" / "postrm").read_text()
    for old, new in (("/etc/postfix", etc / "postfix"), ("/var/lib/spfwhite", var)):
        text = text.replace(old, str(new))
    for action, kept in (("remove", [table, state]), ("purge", [table])):
        for file in (table, state):
            file.touch()
        said = run("sh", "-euc", text.replace("/etc/spfwhite", str(etc)), "postrm", action).stdout
        assert sorted(var.iterdir()) == kept
        assert said.startswith(f"{table} stays, since this still names it:\n{instance}/main.cf\n")
    change, reload = re.findall("(?m)^  (.*)", said)
    assert reload == f"postfix -c {instance} reload"
    assert run("sh", "-euc", change).returncode == 0
    value = run("postconf", "-c", instance, "-h", "postscreen_access_list").stdout
    assert value == "permit_mynetworks, cidr:/etc/postfix/own.cidr\n"
    for action in ("upgrade", "remove", "purge"):
        assert run("sh", "-euc", text, "postrm", action).stdout == "", action
    assert not var.exists()


def test_the_debian_package_has_the_version_of_the_program() -> None:
    changelog = (CONTRIB / "debian" / "changelog").read_text()
    assert changelog.startswith(f"spfwhite ({__version__}-1) ")


@pytest.mark.parametrize(("code", "what"), [("1", "failed"), ("3", "has news")])
@pytest.mark.parametrize("has_sendmail", [True, False])
def test_a_failed_unit_ends_in_a_mail_or_else_in_the_log(
    tmp_path: Path, code: str, what: str, *, has_sendmail: bool
) -> None:
    programs = {"systemctl": "echo its last lines", "logger": f'echo "$*" >{tmp_path}/log'}
    programs |= {"sendmail": f"cat >{tmp_path}/mail"} if has_sendmail else {}
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    text = (SYSTEMD / "spfwhite-failed@.service").read_text().replace("\\\n", "")
    (script,) = re.findall("(?m)^ExecStart=/bin/sh -c '(.*)'$", text)
    for old, new in (("%i", "x.service"), ("%H", "mx"), ("/usr/sbin/", f"{tmp_path}/")):
        script = script.replace(old, new)
    run("env", f"PATH={tmp_path}:/usr/bin:/bin", f"MONITOR_EXIT_STATUS={code}", "sh", "-c", script)
    if has_sendmail:
        mail = (tmp_path / "mail").read_text()
        assert mail == f"To: root\nSubject: x.service {what} on mx\n\nits last lines\n"
    else:
        assert f"x.service {what}; see" in (tmp_path / "log").read_text()
    assert (tmp_path / "mail").exists() is has_sendmail
    assert (tmp_path / "log").exists() is not has_sendmail
