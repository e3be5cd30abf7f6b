"""resolv.conf(5): which of its lines name a server, and what is said where none does."""

from __future__ import annotations

from pathlib import Path

import pytest

from spfwhite import run as app
from spfwhite.config.loading import load
from spfwhite.dns.nameservers import NameServer, system_nameservers
from spfwhite.errors import NoNameServerError
from spfwhite.sources import fetch


def servers(folder: Path, text: str | bytes) -> list[str]:
    path = folder / "resolv.conf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [str(server) for server in system_nameservers(path)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nameserver 192.0.2.1\n", ["192.0.2.1:53"]),
        ("nameserver 192.0.2.1", ["192.0.2.1:53"]),
        ("nameserver\t2001:db8::1\n", ["[2001:db8::1]:53"]),
        ("nameserver 192.0.2.2\nnameserver 192.0.2.1\n", ["192.0.2.2:53", "192.0.2.1:53"]),
        ("search example.org\noptions rotate\nnameserver 192.0.2.1\n", ["192.0.2.1:53"]),
        (
            "# nameserver 192.0.2.9\n; nameserver 192.0.2.8\nnameserver 192.0.2.1\n",
            ["192.0.2.1:53"],
        ),
        ("nameserver 192.0.2.1 # the office\n", ["192.0.2.1:53"]),
        (
            "nameserver FE80::1%eth0\nnameserver 192.0.2.1\n",
            ["[fe80::1%eth0]:53", "192.0.2.1:53"],
        ),
        ("nameserver fe80::1%2\n", ["[fe80::1%2]:53"]),
        ("nameserver nowhere\nnameserver\nnameserver 192.0.2.1\n", ["192.0.2.1:53"]),
        ("nameservers 192.0.2.9\nnameserver 192.0.2.1\n", ["192.0.2.1:53"]),
        (b"# caf\xe9\nnameserver 192.0.2.1\r\n", ["192.0.2.1:53"]),
    ],
)
def test_the_servers_of_a_file_in_its_order(
    text: str | bytes, expected: list[str], tmp_path: Path
) -> None:
    assert servers(tmp_path, text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "search example.org\n", "nameserver nowhere\n", "nameserver 127.1\n", b"\xff\0"],
)
def test_a_file_without_a_server_means_the_local_machine(text: str | bytes, tmp_path: Path) -> None:
    """As in resolv.conf(5) and the C library, which asks 127.0.0.1 and not ::1."""
    assert servers(tmp_path, text) == ["127.0.0.1:53"]


def test_so_does_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert system_nameservers(tmp_path / "nothing-here") == [NameServer("127.0.0.1", 53)]


@pytest.mark.parametrize(
    ("options", "over_tcp"),
    [
        ("options use-vc\n", True),
        ("options edns0 use-vc\noptions rotate\n", True),
        ("options timeout:1 attempts:1\n", False),
        ("#options use-vc\n", False),
    ],
)
def test_use_vc_asks_all_of_them_over_tcp(options: str, *, over_tcp: bool, tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text(f"nameserver 192.0.2.1\n{options}nameserver ::1\n")
    assert [server.over_tcp for server in system_nameservers(path)] == [over_tcp] * 2


def test_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoNameServerError, match="cannot be read"):
        system_nameservers(tmp_path)


def test_networks_alone_need_no_name_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> list[NameServer]:
        raise NoNameServerError("there is none")

    monkeypatch.setattr(fetch, "system_nameservers", none)
    config = tmp_path / "p.toml"
    head = 'defaults = false\n[output]\nallow = "t.cidr"\nreject = "r.cidr"\n[state]\npath = "s"\n'
    own = '[providers.own]\nnetworks = ["9.9.9.0/24"]\n'
    config.write_text(head + own)
    assert app.generate(load(config)).networks.texts() == ["9.9.9.0/24"]
    config.write_text(f'{head}{own}domains = ["example.org"]\n')
    with pytest.raises(NoNameServerError, match="there is none"):
        app.generate(load(config))
