"""Whom root trusts: nothing is read, written or followed that another user could have put there.

The tests are root's own, and the strangers are users of this machine.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spfwhite import files
from spfwhite.config.loading import load
from spfwhite.errors import ConfigError, FileError
from tests.support.cli import TABLE, rules, spfwhite
from tests.support.launcher import Change
from tests.support.site import RULES, Site, hand_over, site

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not root")

DAEMON, NOBODY = 1, 65534
OVERLAY = "defaults = false\n[providers.ok]\nnetworks = ['20.0.0.0/24']\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder of root's that holds nothing."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Return a site after a good run, and `theirs` in it, a folder of nobody's."""
    with site(tmp_path) as made:
        assert made.generate().returncode == 0
        theirs = tmp_path / "theirs"
        theirs.mkdir(mode=0o755)
        give(theirs)
        yield made


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a folder of root's that everybody may enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def give(path: Path, user: int = NOBODY) -> None:
    os.chown(path, user, user, follow_symlinks=False)


def share(path: Path, mode: int, group: int = 0) -> None:
    os.chown(path, 0, group)
    path.chmod(mode)


def as_user(user: int, command: str, *arguments: str | Path) -> None:
    """Have a user of this machine do something with a shell."""
    subprocess.run(
        [
            *("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"),
            *("sh", "-c", command, "sh", *arguments),
        ],
        check=True,
    )


# --- configuration ---

Damage = Callable[[Path], Path]
"""Makes the overlay in a folder one that others can change; returns what is to be mended."""


def _file_for_all(folder: Path) -> Path:
    (folder / "o.toml").chmod(0o666)
    return folder / "o.toml"


def _file_for_a_group(folder: Path) -> Path:
    share(folder / "o.toml", 0o664, NOBODY)
    return folder / "o.toml"


def _file_of_a_stranger(folder: Path) -> Path:
    give(folder / "o.toml")
    return folder / "o.toml"


def _folder_of_a_stranger(folder: Path) -> Path:
    give(folder)
    return folder


def _folder_for_a_group(folder: Path) -> Path:
    share(folder, 0o775, NOBODY)
    return folder


def _folder_for_all(folder: Path) -> Path:
    folder.chmod(0o777)
    return folder


def _grandparent_of_a_stranger(folder: Path) -> Path:
    give(folder.parent)
    return folder.parent


def _behind_a_link(folder: Path) -> Path:
    theirs = folder.parent / "theirs"
    theirs.mkdir()
    (folder / "o.toml").rename(theirs / "o.toml")
    (folder / "o.toml").symlink_to(theirs / "o.toml")
    give(theirs)
    return theirs


def _link_of_a_stranger(folder: Path) -> Path:
    (folder / "o.toml").rename(folder / "real.toml")
    (folder / "o.toml").symlink_to("real.toml")
    give(folder / "o.toml")
    return folder / "o.toml"


DAMAGES: dict[Damage, str] = {
    _file_for_all: "chmod go-w",
    _file_for_a_group: "chmod go-w",
    _file_of_a_stranger: "chown root",
    _folder_of_a_stranger: "chown root",
    _folder_for_a_group: "chmod go-w",
    _folder_for_all: "chmod go-w",
    _grandparent_of_a_stranger: "chown root",
    _behind_a_link: "chown root",
    _link_of_a_stranger: "chown -h root",
}


def overlay(folder: Path) -> Path:
    path = folder / "o.toml"
    path.write_text(OVERLAY)
    path.chmod(0o644)
    return path


@pytest.mark.parametrize("damage", DAMAGES)
def test_root_reads_no_configuration_that_others_could_have_put_there(
    damage: Damage, home: Path
) -> None:
    path = overlay(home)
    assert [each.name for each in load(path).providers] == ["ok"]
    mend = f"{DAMAGES[damage]} {damage(home)}"
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith(mend)
    subprocess.run(mend.split(), check=True)  # what it says does mend it
    assert [each.name for each in load(path).providers] == ["ok"]


def test_a_refusal_says_whose_it_is(home: Path) -> None:
    path = overlay(home)
    give(home, DAEMON)
    with pytest.raises(ConfigError, match="nothing that the user daemon put there"):
        load(path)


IN_PASSWD = 'mount --bind "$1" /etc/passwd; shift; exec "$@"'


def test_a_home_is_not_to_be_given_to_root(home: Path) -> None:
    path = overlay(home)
    give(home)
    passwd = home.parent / "passwd"
    passwd.write_text(f"root:x:0:0::/root:/bin/sh\njoe:x:{NOBODY}:{NOBODY}::{home}:/bin/sh\n")
    apart = ("unshare", "--mount", "--propagation", "private", "sh", "-euc", IN_PASSWD, "sh")
    done = subprocess.run(
        [*apart, passwd, sys.executable, "-m", "spfwhite", "-c", path, "generate", "--dry-run"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    said = "root uses nothing that the user joe put there; move it to /etc/spfwhite"
    assert done.stderr == f"spfwhite: {path}: {said}\n"


def test_root_reads_no_configuration_right_in_a_sticky_folder_but_below_one(home: Path) -> None:
    path = overlay(home)
    home.parent.chmod(0o1777)
    assert load(path).providers
    home.chmod(0o1777)
    with pytest.raises(ConfigError, match=f"everybody can put files into {home}"):
        load(path)


def test_root_reads_no_configuration_in_a_folder_of_a_stranger_below_a_sticky_one(
    home: Path,
) -> None:
    path = overlay(home)
    home.parent.chmod(0o1777)
    give(home)
    with pytest.raises(ConfigError, match=f"chown root {home}"):
        load(path)


def test_root_follows_its_own_links_step_by_step(home: Path) -> None:
    real = home / "real"
    real.mkdir()
    overlay(real)
    (home / "a").symlink_to("real")
    (home / "b.toml").symlink_to(home / "a" / ".." / "a" / "o.toml")
    assert load(home / "b.toml").providers


@pytest.mark.parametrize("key", ["domains_file", "networks_file"])
def test_the_rule_holds_for_included_files(key: str, home: Path) -> None:
    path = overlay(home)
    path.write_text(f"defaults = false\n[providers.ok]\n{key} = 'list.txt'\n")
    (home / "list.txt").write_text("# nothing\n20.0.0.0/24\n" if key[0] == "n" else "a.test\n")
    assert load(path).providers
    give(home / "list.txt")
    with pytest.raises(ConfigError, match=f"chown root {home}/list.txt"):
        load(path)


@pytest.mark.parametrize("damage", [_folder_of_a_stranger, _folder_for_a_group, _folder_for_all])
@pytest.mark.parametrize("place", [".", "providers.d"])
def test_the_rule_holds_for_the_systems_folders_even_if_they_are_empty(
    place: str, damage: Damage, home: Path
) -> None:
    """Who owns the folder could take the file with an `exclude` away."""
    (home / "providers.d").mkdir()
    assert load(system=home).providers
    damage(home / place)
    with pytest.raises(ConfigError, match=r"chown root|chmod go-w") as caught:
        load(system=home)
    assert str(caught.value).startswith(f"{home / place}/*.toml: "), "no file of nobody's"
    assert str(caught.value).count(str(home)) == 2


def test_a_stranger_runs_no_command_as_root(public: Path) -> None:
    """A file of root's in his folder, which he replaces by one with a command."""
    theirs, mark = public / "theirs", public / "mark"
    theirs.mkdir(mode=0o755)
    give(theirs)
    with site(theirs, more="[postfix]\nreload = true") as made:
        more = f'reload_command = ["/bin/touch", "{mark}"]'
        as_user(
            NOBODY, '{ cat "$1"; echo "$2"; } >"$1.new"; mv -f "$1.new" "$1"', made.config, more
        )
        done = made.generate()
    assert not mark.exists()
    assert (done.returncode, done.stdout) == (2, "")
    assert f"chown root {theirs}" in done.stderr


def test_root_reads_what_it_is_given_on_standard_input() -> None:
    done = spfwhite("-c", "/dev/stdin", "generate", "-o", "-", stdin=OVERLAY.encode())
    assert (done.returncode, rules(done.stdout)) == (0, ["20.0.0.0/24\tpermit"])


# --- outputs ---

OUTPUTS = ["--report", "--metrics", "--record", "-o"]


@pytest.mark.parametrize("option", OUTPUTS)
def test_an_output_takes_nothing_from_a_strangers_link(option: str, made: Site) -> None:
    theirs, target = made.folder / "theirs", made.folder / "target"
    target.write_text("precious\n")
    target.chmod(0o666)
    give(target)
    link = theirs / "out"
    link.symlink_to(target)
    give(link)
    before = target.stat()
    done = made.generate(option, link)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{link} is a symlink of nobody" in done.stderr
    assert (target.read_text(), target.stat().st_mtime_ns) == ("precious\n", before.st_mtime_ns)
    assert link.is_symlink()


@pytest.mark.parametrize("option", OUTPUTS)
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775])
def test_no_output_goes_into_a_folder_that_others_can_write(
    mode: int, option: str, made: Site
) -> None:
    shared = made.folder / "shared"
    shared.mkdir()
    share(shared, mode, NOBODY)
    done = made.generate(option, shared / "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert str(shared) in done.stderr and done.stderr.count("\n") == 1
    assert list(shared.iterdir()) == []


@pytest.mark.parametrize("option", [*OUTPUTS, "allow"])
def test_a_folder_that_is_a_link_in_a_strangers_folder_is_not_followed(
    option: str, made: Site
) -> None:
    victim = made.folder / "victim"
    victim.mkdir()
    link = made.folder / "theirs" / "out"
    for owner in (NOBODY, 0):
        link.unlink(missing_ok=True)
        link.symlink_to(victim)
        give(link, owner)
        if option == "allow":
            text = made.config.read_text()
            made.config.write_text(text.replace(f'"{TABLE}"', f'"{link}/{TABLE}"'))
            done = made.generate()
            made.config.write_text(text)
        else:
            done = made.generate(option, link / "file")
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{link} is" in done.stderr
        assert list(victim.iterdir()) == []


def test_a_state_that_others_can_write_is_not_read(made: Site) -> None:
    made.state.chmod(0o666)
    done = made.generate()
    assert (done.returncode, done.stdout) == (1, "")
    assert f"chmod go-w {made.state}" in done.stderr


def test_a_snapshot_of_a_stranger_is_not_replayed(made: Site) -> None:
    record = made.folder / "record"
    assert made.generate("--record", record).returncode == 0
    assert made.generate("--replay", record, "-o", "-").returncode == 0
    give(record)
    done = made.generate("--replay", record, "-o", "-")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"chown root {record}" in done.stderr


# --- a folder that is wholly another account's, as that of a service ---


def test_root_works_in_the_folder_of_a_service_and_leaves_it_its_files(made: Site) -> None:
    (made.folder / "theirs").rmdir()
    made = hand_over(made, NOBODY)
    report, metrics = made.folder / "report", made.folder / "metrics"
    made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 -all"])
    done = made.generate("--report", report, "--metrics", metrics)
    assert (done.returncode, done.stderr) == (0, "")
    assert made.rules() != RULES
    for path in (made.table, made.state, report, metrics):
        status = path.stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (NOBODY, 0o644)


def test_in_the_folder_of_a_service_no_third_user_is_trusted(made: Site) -> None:
    (made.folder / "theirs").rmdir()
    made = hand_over(made, NOBODY)
    give(made.state, DAEMON)
    done = made.generate()
    assert done.returncode == 1
    assert "nothing that the user daemon put there" in done.stderr


def test_a_service_in_a_sticky_folder_is_no_keeper(home: Path) -> None:
    """Anybody could have made that folder before root did."""
    home.parent.chmod(0o1777)
    give(home)
    with pytest.raises(FileError, match=f"chown root {home}"):
        files.replace(home / "file", b"")


def test_root_reads_no_second_name_of_its_own_file_in_the_folder_of_a_service(home: Path) -> None:
    secret, theirs = home / "secret", home / "theirs"
    secret.write_bytes(b"secret")
    theirs.mkdir()
    give(theirs)
    os.link(secret, theirs / "table")
    with pytest.raises(FileError, match="has another name too"):
        files.read_if_there(theirs / "table")


def test_a_folder_that_is_swapped_for_a_link_behind_the_look_leads_nowhere(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is opened without following what the name has become."""
    (home / "a").mkdir()
    (home / "b").mkdir()
    look = os.stat

    def swapping(path: str, **more: object) -> os.stat_result:
        status = look(path, **more)  # type: ignore[arg-type]
        if path == "a":
            (home / "a").rename(home / "c")
            (home / "a").symlink_to("b")
        return status

    monkeypatch.setattr(os, "stat", swapping)
    with pytest.raises(FileError, match="cannot write"):
        files.replace(home / "a" / "file", b"")
    monkeypatch.undo()
    assert list((home / "b").iterdir()) == []


# --- who is not root ---


def test_who_is_not_root_follows_no_strangers_link_but_works_where_others_can_write(
    public: Path,
) -> None:
    with site(public) as made:
        made = hand_over(made, NOBODY)
        made.folder.chmod(0o777)
        assert spfwhite(*made.arguments, change=Change(user=NOBODY)).returncode == 0
        made.table.rename(made.table.with_name("real"))
        made.table.symlink_to("real")
        give(made.table, DAEMON)
        done = spfwhite(*made.arguments, change=Change(user=NOBODY))
        assert done.returncode == 1
        assert "is a symlink of daemon, which is not followed" in done.stderr
