"""Each format in the hands of the program that it is for, as the distribution has it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from spfwhite.config.settings import FormatName
from spfwhite.errors import ProgramError
from spfwhite.programs import FOLDERS
from spfwhite.tables import nft
from tests.support.cli import overlay, spfwhite
from tests.support.postfix_instance import Instance, needs_postfix, needs_postmap, prepared, unless
from tests.support.rspamd import is_listed, needs_rspamd, rspamd

pytestmark = pytest.mark.slow

NETWORKS = ["192.0.2.0/24", "198.51.100.7", "203.0.113.0/25", "2001:db8::/32", "2001:db9::1"]
LISTED = ["192.0.2.0", "192.0.2.255", "198.51.100.7", "203.0.113.127", "2001:db8::1", "2001:db9::1"]
UNLISTED = [
    "192.0.1.255",
    "192.0.3.0",
    "198.51.100.8",
    "203.0.113.128",
    "2001:db7::",
    "2001:db9::2",
]

PATH = os.pathsep.join([os.environ.get("PATH", ""), *FOLDERS])
NFT, UNSHARE = (shutil.which(program, path=PATH) for program in ("nft", "unshare"))


def _no_namespace() -> str:
    if not NFT or not UNSHARE:
        return "nft or unshare is not installed"
    tried = subprocess.run([UNSHARE, "--net", NFT, "list", "tables"], capture_output=True)
    return "no network namespaces with nftables here" if tried.returncode else ""


needs_nft = unless(_no_namespace())


def table(folder: Path, form: FormatName, networks: Sequence[str] = NETWORKS) -> Path:
    """Write a table as the command line does."""
    listed = ", ".join(f'"{network}"' for network in networks)
    config = overlay(folder, {}, more=f"[providers.own]\nnetworks = [{listed}]\n")
    path = folder / f"allow.{form}"
    done = spfwhite("-c", config, "generate", "-o", path, "--format", form)
    assert done.returncode == 0, done.stderr
    return path


@needs_postmap
@pytest.mark.parametrize(
    ("form", "word"), [("postscreen", "permit"), ("access", "permit_auth_destination")]
)
def test_postmap_answers_for_what_is_listed_alone(
    tmp_path: Path, form: FormatName, word: str
) -> None:
    path = table(tmp_path, form)
    done = subprocess.run(
        ["postmap", "-q", "-", f"cidr:{path}"],
        input="".join(f"{address}\n" for address in LISTED + UNLISTED),
        capture_output=True,
        text=True,
        env={"PATH": PATH},
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"{address}\t{word}" for address in LISTED]


def in_namespace(*commands: Sequence[str]) -> list[str]:
    """Run commands one after the other in a network namespace of their own."""
    script = " && ".join(" ".join(command) for command in commands)
    done = subprocess.run(
        [str(UNSHARE), "--net", "sh", "-c", script],
        capture_output=True,
        text=True,
        env={"PATH": PATH},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def elements(listed: str) -> list[str]:
    """Return what `nft -j list set` shows, as CIDRs and addresses."""
    (found,) = (each["set"] for each in json.loads(listed)["nftables"] if "set" in each)
    prefixes = [each for each in found.get("elem", [])]
    return sorted(
        each if isinstance(each, str) else f"{each['prefix']['addr']}/{each['prefix']['len']}"
        for each in prefixes
    )


@needs_nft
def test_nft_loads_the_sets_and_loads_them_again(tmp_path: Path) -> None:
    path = table(tmp_path, "nft")
    load = ["nft", "-f", str(path)]
    listing = ["nft", "-j", "list", "set", "inet", "spfwhite"]
    v4, v6 = in_namespace(load, load, [*listing, "allow_v4"], [*listing, "allow_v6"])
    assert elements(v4) == ["192.0.2.0/24", "198.51.100.7", "203.0.113.0/25"]
    assert elements(v6) == ["2001:db8::/32", "2001:db9::1"]


@needs_nft
def test_a_rule_over_the_sets_stays_when_they_are_replaced(tmp_path: Path) -> None:
    old, new = (tmp_path / name for name in ("old", "new"))
    for folder, networks in ((old, NETWORKS), (new, ["192.0.2.0/25", "2001:db8::/33"])):
        folder.mkdir()
        table(folder, "nft", networks)
    chain = "add chain inet spfwhite c; add rule inet spfwhite c ip saddr @allow_v4 accept"
    load = [["nft", "-f", str(folder / "allow.nft")] for folder in (old, new)]
    shown = ["nft", "list", "table", "inet", "spfwhite"]
    lines = "\n".join(in_namespace(load[0], ["nft", f"'{chain}'"], load[1], shown))
    assert "ip saddr @allow_v4 accept" in lines
    assert "192.0.2.0/25" in lines and "198.51.100.7" not in lines


@needs_nft
def test_an_empty_table_empties_the_sets(tmp_path: Path) -> None:
    old, new = (tmp_path / name for name in ("old", "new"))
    for folder, networks in ((old, NETWORKS), (new, ["192.0.2.0/25"])):
        folder.mkdir()
        table(folder, "nft", networks)
    listing = ["nft", "-j", "list", "set", "inet", "spfwhite", "allow_v6"]
    load = [["nft", "-f", str(folder / "allow.nft")] for folder in (old, new)]
    (shown,) = in_namespace(*load, listing)
    assert elements(shown) == []


@needs_nft
def test_nft_accepts_the_table_that_a_run_has_it_check(tmp_path: Path) -> None:
    path = table(tmp_path, "nft")
    nft.verify(path)
    path.write_text(path.read_text().replace("192.0.2.0/24", "192.0.2.0/33"))
    with pytest.raises(ProgramError, match="nft does not accept the new table"):
        nft.verify(path)


def test_without_nft_a_table_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nft, "found", lambda _: None)
    path = tmp_path / "x.nft"
    path.write_text("no nft at all")
    nft.verify(path)


@needs_rspamd
def test_rspamd_scores_the_clients_of_a_plain_table(tmp_path: Path) -> None:
    path = table(tmp_path, "plain")
    with rspamd(tmp_path, path) as port:
        assert {client: is_listed(port, client) for client in LISTED + UNLISTED} == {
            **dict.fromkeys(LISTED, True),
            **dict.fromkeys(UNLISTED, False),
        }


SERVICES = """\
rewrite unix - - n - - trivial-rewrite
cleanup unix n - n - 0 cleanup
"""


@needs_postfix
def test_an_access_table_lets_mail_in_and_relays_nothing(tmp_path: Path) -> None:
    with prepared() as postfix:
        folder = postfix.folder / "list"
        folder.mkdir()
        path = table(folder, "access")
        postfix.parameters |= {
            "mydestination": "mail.test",
            "in_flow_delay": "0",
            "smtpd_relay_restrictions": "",
            "smtpd_recipient_restrictions": f"check_client_access cidr:{path}, reject",
        }
        postfix.configure()
        with (postfix.config_directory / "master.cf").open("a") as master:
            master.write(SERVICES)
        postfix.start()
        mails = {client: mail(postfix, client) for client in ("192.0.2.1", "192.0.3.1")}
    assert mails == {"192.0.2.1": ["250", "554"], "192.0.3.1": ["554", "554"]}


def mail(postfix: Instance, client: str) -> list[str]:
    """Return the replies to a recipient here and to one elsewhere."""
    recipients = [f"RCPT TO:<someone@{domain}>" for domain in ("mail.test", "elsewhere.test")]
    visit = postfix.visit(client, "EHLO client.test", "MAIL FROM:<>", *recipients, "QUIT")
    return [reply[:3] for reply in visit.replies[3:5]]
