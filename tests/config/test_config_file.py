"""Configuration files as files: contents, rights, and lists of one entry a line."""

import os
from pathlib import Path

import pytest

from spfwhite.config.loading import load
from spfwhite.errors import ConfigError


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a file that only its owner can write."""
    path = tmp_path / "own.toml"
    path.write_text("# nothing")
    path.chmod(0o644)
    return path


def fault(path: Path | None = None, *, system: Path = Path("/none")) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, system=system)
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_an_empty_file_is_refused_as_a_failed_write(own: Path, content: bytes) -> None:
    own.write_bytes(content)
    assert fault(own).startswith(f"{own}: is empty, which looks like a failed write; ")


def test_comments_alone_are_a_file_that_says_nothing(own: Path) -> None:
    assert load(own).dns == load(system=Path("/none")).dns


def test_a_byte_order_mark_and_crlf_are_taken(own: Path) -> None:
    own.write_bytes(b"\xef\xbb\xbf[dns]\r\nattempts = 2\r\n")
    assert load(own).dns.attempts == 2


def test_bytes_that_are_not_utf8_are_named_by_line(own: Path) -> None:
    own.write_bytes(b"# a\n# \xff")
    assert fault(own) == f"{own}:2: is not UTF-8"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert fault(path) == f"{path}: cannot be read: No such file or directory"


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert fault(tmp_path) == f"{tmp_path}: cannot be read: it is a folder"


def test_a_dangling_link_in_the_system_folder_does_not_pass_for_a_missing_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "providers.toml").symlink_to("none")
    assert "providers.toml: cannot be read" in fault(system=tmp_path)


def test_a_system_folder_that_is_a_file_is_an_error(own: Path) -> None:
    assert fault(system=own) == f"{own}: cannot be read: Not a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_read_permission_is_an_error(own: Path) -> None:
    own.chmod(0)
    assert (
        fault(own)
        == f"{own}: cannot be read: Permission denied; the user who runs spfwhite has to be able to"
    )


# --- lists ---


@pytest.mark.parametrize(
    ("key", "line", "sentence"),
    [
        (
            "domains_file",
            "b\u00fccher.test",
            '"b\\195\\188cher.test" has a character outside ASCII',
        ),
        ("networks_file", "192.0.2.1/24", '"192.0.2.1/24" has host bits set'),
    ],
)
def test_a_bad_line_is_named_by_file_and_line(
    own: Path, key: str, line: str, sentence: str
) -> None:
    own.write_text(f'[providers.own]\n{key} = "list.txt"')
    own.with_name("list.txt").write_text(f"# one\n\n{line}\n")
    assert fault(own).startswith(f"{own.with_name('list.txt')}:3: {sentence}")


MIXED = "ip4:192.0.2.7 reject\n192.0.2.0/30 permit\n192.0.2.0/29 REJECT\nip6:2001:db8::/32\n"


def test_a_list_may_have_lines_as_in_spf_and_as_in_a_table_for_postscreen(own: Path) -> None:
    own.with_name("list.txt").write_text(MIXED)
    file = 'networks_file = "list.txt"'
    own.write_text(f'[providers.a]\n{file}\n[providers.b]\n{file}\naction = "reject"\n')
    providers = {each.name: each.networks.texts() for each in load(own).providers}
    assert providers["a"] == ["192.0.2.0/30", "2001:db8::/32"]
    assert providers["b"] == ["192.0.2.4/30", "2001:db8::/32"]


@pytest.mark.parametrize(("action", "left"), [("permit", "reject"), ("reject", "permit")])
def test_lines_of_a_list_that_nobody_would_list_are_said(own: Path, action: str, left: str) -> None:
    own.with_name("list.txt").write_text(MIXED)
    own.write_text(f'[providers.a]\nnetworks_file = "list.txt"\naction = "{action}"\n')
    assert fault(own) == (
        f"{own}: providers.a.networks_file has lines that {left}; a second provider with the "
        f'same networks_file and action = "{left}" lists them'
    )


@pytest.mark.parametrize("key", ["domains_file", "networks_file"])
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file or directory"),
        ("a folder", "cannot be read: it is a folder"),
        (b"# caf\xe9", "1: is not UTF-8"),
        (b"", "is empty, which looks like a failed write"),
    ],
)
def test_a_list_that_cannot_be_read_is_said_with_its_provider_and_the_way_out(
    tmp_path: Path, key: str, content: bytes | str | None, why: str
) -> None:
    path, folder = tmp_path / "list.txt", tmp_path / "providers.d"
    folder.mkdir()
    (folder / "10.toml").write_text(f'[providers.own]\n{key} = "{path}"')
    (folder / "20.toml").write_text("[providers.own]\nenabled = false")  # has another part of it
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
    message = fault(system=tmp_path)
    assert message.startswith(f"{folder / '10.toml'}: providers.own.{key}: {path}:")
    assert f"{why}; " in message
    assert message.endswith(f"; restore or correct the list, or take {key} out")


def test_a_list_of_all_providers_is_named_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "providers.d").mkdir()
    own, other = tmp_path / "providers.toml", tmp_path / "providers.d" / "20.toml"
    own.write_text('[provider_defaults]\nnetworks_file = "/nowhere/list"')
    other.write_text('[providers.own]\ndomains = ["a.test"]')
    start = f"{own}: provider_defaults.networks_file: /nowhere/list: cannot be read"
    assert fault(system=tmp_path).startswith(start)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_list_without_read_permission_is_said_alike(own: Path) -> None:
    own.with_name("list.txt").touch(0o200)
    own.write_text('[providers.own]\nnetworks_file = "list.txt"')
    assert "providers.own.networks_file: " in fault(own)
    assert "Permission denied; restore or correct the list" in fault(own)


# --- who may write what root reads: see tests/test_trust.py ---


def test_who_is_not_root_reads_what_others_can_write(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.chmod(0o666)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert load(own).dns.attempts == 4
