"""Paths that are no plain files: symlinks, folders, devices, pipes, and what is not there."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cli import TABLE, Finished, listing, rules, spfwhite
from tests.support.site import RULES, Site, site

NEWER = [rule.replace("198.51.100.0/24", "198.51.100.0/25") for rule in RULES]
PATIENCE = 60.0  # seconds, for a run that waits for a pipe to say something


def change(made: Site) -> None:
    """Give the next run something to write."""
    made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 -all"])


def assert_refused(done: Finished, *words: object) -> None:
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert str(word) in done.stderr


@pytest.fixture
def safe() -> Iterator[Path]:
    """Return a folder on whose way only root and the caller may write, as those in /tmp are not."""
    for parent in (Path("/run"), Path.home()):
        if os.access(parent, os.W_OK) and not any(
            each.stat().st_mode & stat.S_IWOTH for each in (parent, *parent.parents)
        ):
            with tempfile.TemporaryDirectory(dir=parent) as folder:
                yield Path(folder)
            return
    pytest.skip("no folder here is safe")


@pytest.fixture
def linked(safe: Path) -> Iterator[Site]:
    """Return a site after a good run, its table moved to the folder `real`, with a link to it."""
    (safe / "real").mkdir()
    with site(safe) as made:
        assert made.generate().returncode == 0
        made.table.rename(safe / "real" / "table.cidr")
        made.table.symlink_to(safe / "real" / "table.cidr")
        change(made)
        yield made


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Return a site that has not run yet."""
    with site(tmp_path) as made:
        yield made


def test_behind_a_symlink_the_file_is_replaced_and_the_link_stays(linked: Site) -> None:
    target = linked.table.readlink()
    before = target.stat().st_ino
    done = linked.generate()
    assert (done.returncode, done.stderr) == (0, "")
    assert linked.table.readlink() == target
    assert rules(target.read_bytes()) == NEWER
    assert target.stat().st_ino != before
    assert linked.temporary_files() == []


def test_a_chain_of_relative_symlinks_is_followed_to_its_end(linked: Site) -> None:
    linked.table.unlink()
    linked.table.symlink_to("real/link")
    (linked.folder / "real" / "link").symlink_to("table.cidr")
    assert linked.generate().returncode == 0
    assert (linked.folder / "real" / "link").is_symlink()
    assert rules((linked.folder / "real" / "table.cidr").read_bytes()) == NEWER


@pytest.mark.parametrize("place", ["", "real"])
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o757])
def test_a_symlink_is_refused_if_others_may_write_a_folder_on_its_way(
    place: str, mode: int, linked: Site
) -> None:
    folder = linked.folder / place
    linked.config.chmod(0o644)
    folder.chmod(mode)
    done = spfwhite("-c", "/dev/stdin", "generate", stdin=absolute(linked))
    folder.chmod(0o755)
    sticky = f"everybody can put files into {folder}"
    assert_refused(done, sticky if mode & stat.S_ISVTX else f"chmod go-w {folder}")
    assert linked.table.is_symlink()
    assert linked.rules() == RULES


def absolute(made: Site) -> bytes:
    """Return the overlay with absolute paths, for it is not read from an unsafe folder."""
    text = made.config.read_text()
    for path in (made.table, made.state):
        text = text.replace(f'"{path.name}"', f'"{path}"')
    return text.encode()


def test_a_dangling_symlink_is_refused_and_stays(linked: Site) -> None:
    target = linked.table.readlink()
    target.unlink()
    assert_refused(linked.generate(), linked.table, target)
    assert linked.table.is_symlink()
    assert not target.exists()


def test_a_symlink_to_itself_is_refused(linked: Site) -> None:
    linked.table.unlink()
    linked.table.symlink_to(linked.table.name)
    assert_refused(linked.generate(), linked.table)


def test_a_symlink_to_a_folder_is_refused(linked: Site) -> None:
    linked.table.unlink()
    linked.table.symlink_to("real")
    assert_refused(linked.generate(), "it is a folder")


@pytest.mark.parametrize("key", ["allow", "reject", "tables", "-o"])
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_folder_that_is_missing_is_found_before_anybody_is_asked(
    key: str, more: list[str], made: Site
) -> None:
    path = made.folder / "none" / "x.cidr"
    options: list[str | Path] = ["-o", path] if key == "-o" else []
    text = made.config.read_text()
    pests = '[providers.pests]\naction = "reject"\nnetworks = ["192.0.2.66"]\n'
    made.config.write_text(
        {
            "allow": text.replace(f'"{TABLE}"', f'"{path}"'),
            "reject": text.replace('"reject.cidr"', f'"{path}"') + pests,
            "tables": f'{text}[[output.tables]]\npath = "{path}"\n',
            "-o": text,
        }[key]
    )
    done = made.generate(*options, *more)
    fault = f"spfwhite: cannot write {path}: there is no folder {path.parent}"
    named = "its path in output.tables" if key == "tables" else f"output.{key}"
    way_out = "" if key == "-o" else f"; set {named}, or use `generate -o FILE`"
    assert_refused(done, f"{fault}{way_out}\n")
    assert made.server.queries == []
    assert not path.parent.exists() and not made.state.exists()


def test_a_folder_of_a_reject_table_that_nobody_needs_may_be_missing(made: Site) -> None:
    text = made.config.read_text()
    made.config.write_text(text.replace('"reject.cidr"', '"none/reject.cidr"'))
    assert made.generate().returncode == 0


def test_a_table_that_is_a_folder_is_refused_and_no_state_is_written(made: Site) -> None:
    made.table.mkdir()
    assert_refused(made.generate(), f"cannot read {made.table}: it is a folder")
    assert not made.state.exists()


def test_a_state_that_is_a_folder_is_refused_and_the_table_stays(made: Site) -> None:
    assert made.generate().returncode == 0
    change(made)
    made.state.unlink()
    made.state.mkdir()
    assert_refused(made.generate(), f"cannot read {made.state}: it is a folder")
    assert made.rules() == RULES
    assert made.state.is_dir()


def test_the_last_folder_of_the_state_is_made_and_no_other(made: Site) -> None:
    text = made.config.read_text()
    made.config.write_text(text.replace('"state', '"lib/state'))
    assert made.generate().returncode == 0
    assert (made.folder / "lib" / "state.json").exists()
    made.config.write_text(text.replace('"state', '"var/lib/state'))
    assert_refused(
        made.generate(), f"cannot make the folder {made.folder}/var/lib: there is no folder"
    )
    assert not (made.folder / "var").exists()


def test_a_folder_in_the_place_of_the_state_s_folder_that_is_a_file_is_refused(made: Site) -> None:
    made.config.write_text(made.config.read_text().replace('"state', '"lib/state'))
    (made.folder / "lib").write_bytes(b"a file")
    assert_refused(made.generate(), made.folder / "lib")
    assert not made.table.exists()


def _device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))  # as /dev/null
    except PermissionError:
        pytest.skip("devices cannot be made here")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


NODES = {"a device": _device, "a pipe": os.mkfifo, "a socket": _socket}


@pytest.mark.parametrize("kind", NODES)
@pytest.mark.parametrize(
    "output", ["configured", "-o", "--report", "--metrics", "--record", "state"]
)
def test_what_is_no_file_is_never_replaced_by_one(
    output: str, kind: str, made: Site, tmp_path: Path
) -> None:
    make: Callable[[Path], None] = NODES[kind]
    paths = {"configured": made.table, "state": made.state}
    node = paths.get(output, tmp_path / "node")
    make(node)
    before = node.stat().st_ino, node.stat().st_mode
    options: list[str | Path] = [] if output in paths else [output, node]
    done = spfwhite(*made.arguments, *options, timeout=PATIENCE)
    assert (node.stat().st_ino, node.stat().st_mode) == before
    assert_refused(done, node)
    assert made.temporary_files() == []


def test_what_is_refused_before_the_run_leaves_the_folder_alone(made: Site) -> None:
    made.table.mkdir()
    before = listing(made.folder)
    assert_refused(made.generate("--dry-run"), made.table)
    assert listing(made.folder) == before
