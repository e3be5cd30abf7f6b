"""What contrib/setups.md says of chroot, several instances and containers, each tried here."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postfix_instance import (
    MASTER,
    PATH,
    needs_postfix,
    prepared,
    running,
)
from tests.support.reloading import configure, publish, unwired
from tests.support.site import Site

pytestmark = [pytest.mark.slow, needs_postfix]

LISTED = "198.18.0.1"
"""An address that the site's first run lists."""


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    tmp_path.chmod(0o755)
    with unwired(tmp_path) as each:
        yield each


def access_list(made: Site) -> dict[str, str]:
    return {"postscreen_access_list": f"permit_mynetworks cidr:{made.table}"}


def test_a_postscreen_in_a_chroot_reads_a_table_outside_of_it(made: Site) -> None:
    with prepared() as instance:
        master = MASTER.replace("n - n - 1 postscreen", "n - y - 1 postscreen")
        assert master != MASTER
        (instance.config_directory / "master.cf").write_text(master.format(port=instance.port))
        instance.parameters |= access_list(made)
        instance.configure()
        configure(made, f'config_directory = "{instance.config_directory}"')
        assert made.generate().returncode == 0
        instance.start()
        assert root_of(instance.visit(LISTED).postscreen) == instance.folder / "queue"
        assert "ALLOWLISTED" in instance.visit(LISTED).events


def root_of(process: int) -> Path:
    """Return the root folder of a process."""
    return Path(f"/proc/{process}/root").readlink()


def test_a_table_that_two_instances_name_is_loaded_by_both(made: Site, tmp_path: Path) -> None:
    with running() as first, running() as second:
        for instance in (first, second):
            instance.parameters |= access_list(made)
            instance.configure()
        script = tmp_path / "reload-all"
        folders = " ".join(str(each.config_directory) for each in (first, second))
        script.write_text(
            f'#!/bin/sh\nset -e\nfor each in {folders}; do postfix -c "$each" reload; done\n'
        )
        script.chmod(0o755)
        configure(made, f'config_directory = "{first.config_directory}"')
        with made.config.open("a") as config:
            config.write(f'reload_command = ["{script}"]\n')
        publish(made, 25)
        before = [each.postscreen() for each in (first, second)]
        assert made.generate("--reload", env={"PATH": PATH}).returncode == 0
        for instance, old in zip((first, second), before, strict=True):
            instance.await_successor(old)
            assert "ALLOWLISTED" in instance.visit(LISTED).events


def in_a_mount_namespace(script: str, *arguments: Path) -> str:
    """Run a shell script where its mounts are its own; return what it prints."""
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script, "sh", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_a_container_sees_a_new_table_in_a_folder_that_it_shares_and_not_as_a_single_file(
    tmp_path: Path,
) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "table").write_text("old\n")
    (inside / "table").touch()
    replaced = 'echo new >"$1/.new"; mv "$1/.new" "$1/table"; cat "$2/table"'
    for shared, seen in (("", "new\n"), ("/table", "old\n")):
        (outside / "table").write_text("old\n")
        mount = f'mount --bind "$1{shared}" "$2{shared}"; '
        assert in_a_mount_namespace(mount + replaced, outside, inside) == seen


def test_the_document_says_of_each_statement_whether_it_was_tried() -> None:
    text = (Path(__file__).parents[2] / "contrib" / "setups.md").read_text()
    sections = re.split(r"(?m)^## ", text)[1:]
    assert len(sections) >= 4
    for section in sections:
        assert re.search(r"(?m)^(Tried|Not tried)\b", section), section.splitlines()[0]
