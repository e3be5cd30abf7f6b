"""What contrib/README.md says of several mail exchangers works: cron, systemd, rsync and git."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.postfix_instance import needs_postmap
from tests.support.pushing import CONTRIB, NEW, OLD, SCRIPT, Pushing, assert_went_well, prepared

README = (CONTRIB / "README.md").read_text()
INSTALLED = "/usr/local/sbin/push-table"
BLOCKS: list[str] = re.findall(r"(?ms)^```\w*\n(.*?)^```$", README)


def block(*words: str) -> str:
    """Return the one block with these words."""
    (found,) = (each for each in BLOCKS if all(word in each for word in words))
    return found


@pytest.fixture
def site(tmp_path: Path) -> Pushing:
    """Return a new table, and no host yet."""
    return prepared(tmp_path)


def run(site: Pushing, script: str, **paths: Path) -> subprocess.CompletedProcess[str]:
    """Run lines of the README with paths of the test; programs of `bin` come first."""
    places = {
        INSTALLED: SCRIPT,
        "/etc/postfix": paths["etc"],
        "/srv/tables": paths.get("tables"),
        "/var/cache": site.folder,
    }
    for old, new in places.items():
        script = script.replace(old, str(new))
    environment = site.environment()
    environment["PATH"] = f"{paths['programs']}:{environment['PATH']}"
    return subprocess.run(
        ["sh", "-c", script],
        env=environment | {"HOME": str(site.folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_postmap
def test_cron_pushes_also_after_a_run_that_was_degraded(site: Pushing) -> None:
    host, _ = site.host("mx1.example.org"), site.host("mx2.example.org")
    command = block("17 4 * * * root").split(None, 6)[-1]
    assert "%" not in command  # crontab(5): a % ends the command
    generate, _, push = command.partition(";")
    assert generate.split()[1:] == ["generate", "--reload"]
    host.table.write_text("192.0.2.0/33 permit\n")
    done = run(site, f"(exit 3);{push}", etc=host.table.parent, programs=host.folder / "bin")
    assert re.findall(r"(?m)^push-table: (mx\d)\S*: .*/33", done.stderr) == ["mx1", "mx2"]


def test_systemd_has_no_complaint_about_the_unit(site: Pushing) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    unit = site.folder / "spfwhite-push.service"
    unit.write_text(block("[Service]").replace(INSTALLED, str(SCRIPT)))
    done = subprocess.run(
        [analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert "spfwhite-push" not in done.stdout + done.stderr


@needs_postmap
def test_what_rsync_fetched_is_put_in_place(site: Pushing) -> None:
    host = site.host("mx1")
    rsync = host.folder / "bin" / "rsync"
    rsync.write_text(f'#!/bin/sh\nexec cp {shlex.quote(str(site.table))} "$3"\n')
    rsync.chmod(0o755)
    done = run(site, block("rsync"), etc=host.table.parent, programs=rsync.parent)
    assert_went_well(done)
    assert host.has_only(NEW)
    assert host.asked() == ["reload"]


@needs_postmap
def test_what_git_carries_is_put_in_place_and_an_unchanged_table_is_no_commit(
    site: Pushing,
) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    host, source = site.host("mx1"), site.host("mail")
    publish, fetch = block("git commit -qm"), block("git pull")
    sent, got, bare = (site.folder / name for name in ("sent", "got", "bare"))
    (site.folder / ".gitconfig").write_text(
        "[user]\nname = test\nemail = test@mail.test\n[init]\ndefaultBranch = main\n"
        "[push]\nautoSetupRemote = true\ndefault = current\n"
    )

    def done(script: str, to: Path, tables: Path) -> subprocess.CompletedProcess[str]:
        return run(site, script, etc=to, tables=tables, programs=host.folder / "bin")

    made = done(f"git init -q --bare {bare} && git clone -q {bare} {sent}", sent, sent)
    assert made.returncode == 0
    for number, text in enumerate((OLD, OLD, NEW)):
        source.table.write_text(text)
        assert_went_well(done(publish, source.table.parent, sent))
        if number == 0:
            assert_went_well(done(f"git clone -q {bare} {got}", sent, sent))
        assert_went_well(done(fetch, host.table.parent, got))
        assert host.has_only(text)
    assert host.asked() == ["reload"]
    assert done(f"git -C {got} rev-list --count HEAD", sent, sent).stdout == "2\n"
