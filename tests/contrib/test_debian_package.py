"""The Debian package: what is in it, and its life beside a real Postfix on booted Debians.

It is built here and now from this tree, which takes what contrib/debian/control asks for, and
lintian. The roots have Postfix and the four libraries beside what `tests.support.booted` asks for:
nothing can be fetched in there, so the installation shows that the package needs nothing else.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support.booted import VARIABLE, Machine, booted

pytestmark = booted

ROOT = Path(__file__).parents[2]
DEBIAN = ROOT / "contrib" / "debian"
UNITS = {path.name for path in (ROOT / "contrib" / "systemd").glob("spfwhite*.*")}
FOLDER = "/var/lib/spfwhite"
TABLE = f"{FOLDER}/postscreen_spf_whitelist.cidr"
CONFFILE = "/etc/spfwhite/providers.d/10-systemd.toml"
OWN_LIST = "permit_mynetworks, cidr:/etc/postfix/own.cidr"

ROOTS = [VARIABLE, f"{VARIABLE}_13"]
"""What names a root of Debian 12, and one of Debian 13."""

ZONE = 'listed.example. 300 IN TXT "v=spf1 ip4:209.85.128.0/28 -all"\n'
PROVIDERS = 'defaults = false\n[providers.listed]\ndomains = ["listed.example"]\n'
LISTED = "209.85.128.1"

POSTFIX = f"""
postconf -e maillog_file=/var/log/mail.log "postscreen_access_list = {OWN_LIST}" \
    postscreen_upstream_proxy_protocol=haproxy postscreen_greet_action=enforce \
    postscreen_greet_wait=1s smtpd_peername_lookup=no
postconf -M 'smtp/inet=smtp inet n - n - 1 postscreen' 'smtpd/pass=smtpd pass - - n - - smtpd'
echo '198.51.100.250 reject' >/etc/postfix/own.cidr
systemctl restart postfix
"""
"""postscreen with an access list of the host's own; it hears of clients by the PROXY protocol."""

CLIENT = """
import socket, sys
with socket.create_connection(("127.0.0.1", 25), 30) as connection:
    connection.sendall(f"PROXY TCP4 {sys.argv[1]} 127.0.0.1 {sys.argv[2]} 25\\r\\n".encode())
    replies = connection.makefile("rb")
    while replies.readline().startswith(b"220-"):
        pass
    connection.sendall(b"QUIT\\r\\n")
"""


def output(*command: str | Path) -> str:
    """Return what a program prints; it has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(tree: Path, folder: Path) -> Path:
    """Return the package that a tree makes."""
    folder.mkdir()
    output(tree / "contrib" / "debian" / "build", folder)
    (package,) = folder.glob("spfwhite_*_all.deb")
    return package


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package of this tree."""
    return build(ROOT, tmp_path_factory.mktemp("package") / "made")


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a package of the next version, of the same tree."""
    folder = tmp_path_factory.mktemp("newer")
    tree = shutil.copytree(
        ROOT, folder / "tree", symlinks=True, ignore=shutil.ignore_patterns(".*", "__pycache__")
    )
    changelog = tree / "contrib" / "debian" / "changelog"
    changelog.write_text(re.sub(r"\((.*)\)", r"(\1+test1)", changelog.read_text(), count=1))
    return build(tree, folder / "made")


def test_lintian_finds_neither_an_error_nor_a_warning(package: Path) -> None:
    assert output("lintian", "--fail-on", "error,warning", package) == ""


def test_it_depends_on_python_and_the_four_libraries_only(package: Path) -> None:
    depends = output("dpkg-deb", "-f", package, "Depends").strip().split(", ")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    libraries = [re.split("[>=]", each)[0] for each in project["dependencies"]]
    assert sorted(each.split(" ")[0] for each in depends) == sorted(
        ["python3:any", *(f"python3-{each}" for each in libraries)]
    )


def test_it_brings_every_unit_and_manual_page_with_the_paths_of_debian(
    package: Path, tmp_path: Path
) -> None:
    output("dpkg-deb", "-x", package, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert names >= UNITS
    assert names >= {f"{path.name}.gz" for path in (ROOT / "contrib" / "man").iterdir()}
    doc = tmp_path / "usr" / "share" / "doc" / "spfwhite" / "contrib"
    pages = {path.name for path in (ROOT / "contrib").glob("*.md")}
    assert {path.name.removesuffix(".gz") for path in doc.iterdir()} == pages, "README links them"
    texts = {"doc", "dist-packages"}
    used = [path for path in files if not texts & set(path.parts) or path.parent.name == "cron"]
    assert len(used) > len(UNITS)
    assert not [path for path in used if b"/opt/" in path.read_bytes()]
    etc = [
        str(path.relative_to(tmp_path)) for path in files if path.is_relative_to(tmp_path / "etc")
    ]
    assert etc == [CONFFILE.removeprefix("/")]


class Host:
    """A mail host in a container: what its administrator types, and what postscreen does."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._clients = 10000

    def prepare(self) -> None:
        """Switch on postscreen; put a DNS server on loopback, and configure one provider."""
        root = self.machine.root / "root"
        tests = root / "tree" / "tests"
        shutil.copytree(ROOT / "tests", tests, ignore=shutil.ignore_patterns("__pycache__"))
        (root / "zone").write_text(ZONE)
        (root / "client.py").write_text(CLIENT)
        self.run("echo nameserver 127.0.0.1 >/etc/resolv.conf")
        self.run(
            "systemd-run -q -p WorkingDirectory=/root/tree "
            "python3 -m tests.support.dnsserver /root/zone --port 53"
        )
        self.run(f"set -e; {POSTFIX}")
        (self.machine.root / "etc" / "spfwhite").mkdir()
        (self.machine.root / "etc" / "spfwhite" / "providers.toml").write_text(PROVIDERS)

    def run(self, command: str) -> str:
        """Type a line that has to succeed; return what it prints."""
        return self.machine.run(command).stdout

    def apt(self, action: str, package: Path | None = None) -> str:
        """Have apt-get do something with the package; return what is said."""
        name = "spfwhite"
        if package:
            shutil.copy(package, self.machine.root / "root")
            name = f"/root/{package.name}"
        return self.run(f"DEBIAN_FRONTEND=noninteractive apt-get {action} -y {name} 2>&1")

    def is_so(self, command: str) -> bool:
        """Whether a line succeeds."""
        return self.machine.run(command, check=False).returncode == 0

    def file(self, path: str) -> str:
        """Return what a file holds, "" if there is none."""
        found = self.machine.root / path.removeprefix("/")
        return found.read_text() if found.exists() else ""

    def postfix(self) -> dict[str, bytes]:
        """Return the files of Postfix's configuration."""
        folder = self.machine.root / "etc" / "postfix"
        return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def verdict(self, address: str) -> str:
        """Come from an address; return what postscreen logs of it in the end."""
        self._clients += 1
        form = f"(ALLOWLISTED|PASS (NEW|OLD)) \\[{address}\\]:{self._clients}$"
        self.run(f"python3 /root/client.py {address} {self._clients}")
        self.machine.until(f"grep -Eq '{form}' /var/log/mail.log")
        (found,) = re.findall(f"(?m){form}", self.file("/var/log/mail.log"))
        return str(found[0])

    def timer_runs(self) -> bool:
        """Whether the timer is there for now and for the next boot."""
        return all(
            self.is_so(f"systemctl is-{each} spfwhite.timer") for each in ("enabled", "active")
        )


def first_installation(host: Host, package: Path) -> None:
    """Install, and type what it says at its end: then a listed client passes at once."""
    before = host.postfix()
    said = host.apt("install", package)
    assert host.postfix() == before
    assert host.timer_runs()
    assert host.run(f"stat -c '%U %a' {FOLDER} {TABLE}") == "spfwhite 755\nspfwhite 644\n"
    assert host.run("stat -c '%U %a' /etc/spfwhite") == "root 755\n"

    remains = re.findall(r"(?m)^  (.*)$", said.partition("The first run now")[2])
    first_run, check = remains
    assert (first_run, check) == ("spfwhite generate", "spfwhite check")
    host.run(first_run)
    host.run("systemctl start spfwhite.service")
    owners = host.run(f"stat -c %U {FOLDER}/* {FOLDER}/.[!.]* 2>/dev/null || true").split()
    assert set(owners) == {"spfwhite"}, "the timer goes on with what root has begun"
    assert "209.85.128.0/28\tpermit" in host.file(TABLE)
    assert not (host.machine.root / f"{TABLE}.orig".removeprefix("/")).exists()
    for command in re.findall("(?m)^    (postconf .*)$", host.run("spfwhite check || true")):
        host.run(command)
    assert host.run("spfwhite -q check") == ""
    assert host.run("postconf -h postscreen_access_list") == f"{OWN_LIST}, cidr:{TABLE}\n"
    assert host.verdict(LISTED) == "ALLOWLISTED"
    assert host.verdict("198.51.100.1") == "PASS NEW"


def completion_and_manual(host: Host) -> None:
    """The shell completes, by the file that bash-completion looks for."""
    typed = "COMP_WORDS=(spfwhite gen); COMP_CWORD=1; _spfwhite_completion spfwhite"
    script = f". /usr/share/bash-completion/completions/spfwhite; {typed}; echo ${{COMPREPLY[*]}}"
    assert host.run(f"bash -c '{script}'") == "generate\n"


def upgrade(host: Host, newer: Path) -> None:
    """State, table, and an edited conffile stay, and the timer runs on."""
    host.run(f"echo '# edited' >>{CONFFILE}")
    kept = (f"{FOLDER}/state.json", TABLE, CONFFILE, "/etc/spfwhite/providers.toml")
    before = [host.file(path) for path in kept]
    assert "The first run now" not in host.apt("install", newer)
    assert host.run("dpkg-query -W -f '${Version}' spfwhite").endswith("+test1")
    assert [host.file(path) for path in kept] == before
    assert before[2].endswith("# edited\n")
    assert host.timer_runs()


def removal(host: Host) -> None:
    """The timer is gone; the table serves on, and that is said."""
    table = host.file(TABLE)
    assert f"{TABLE} stays, since this still names it:\n" in host.apt("remove")
    assert not host.is_so("systemctl is-active spfwhite.timer")
    assert not host.is_so("command -v spfwhite")
    assert (host.file(TABLE), host.verdict(LISTED)) == (table, "ALLOWLISTED")


def purge_while_main_cf_names_the_table(host: Host) -> None:
    """The table stays, and that is said; all else goes."""
    said = host.apt("purge")
    assert f"{TABLE} stays, since this still names it:\n/etc/postfix/main.cf\n" in said
    assert host.run(f"ls -A {FOLDER}") == f"{TABLE.rpartition('/')[2]}\n"
    assert host.file(CONFFILE) == ""
    assert host.verdict(LISTED) == "ALLOWLISTED"


def purge_while_another_instance_names_the_table(host: Host, package: Path) -> None:
    """The table stays for any Postfix of this host, however its main.cf spells the folder."""
    host.apt("install", package)
    host.run(f"postconf -e 'postscreen_access_list = {OWN_LIST}'")
    host.run("postconf -e 'multi_instance_directories = /etc/postfix-out, /srv/second'")
    (host.machine.root / "srv" / "second").mkdir()
    (host.machine.root / "srv" / "second" / "main.cf").write_text(
        f"tables = {FOLDER}\npostscreen_access_list =\n  cidr:$tables/{TABLE.rpartition('/')[2]}\n"
    )
    assert f"{TABLE} stays, since this still names it:\n/srv/second/main.cf\n" in host.apt("purge")
    assert host.file(TABLE) != ""
    host.run("postconf -X multi_instance_directories")


def purge_while_nothing_names_the_table(host: Host, package: Path) -> None:
    """Nothing stays but what the administrator wrote; a comment is no name."""
    host.apt("install", package)
    host.run("systemctl start spfwhite.service")
    added = "/etc/spfwhite/providers.d/90-added.toml"
    host.run(f"touch {added} {added.replace('90', '.90')}.lock")
    host.run(f"echo '# cidr:{TABLE}' >>/etc/postfix/main.cf")
    assert "is left" not in host.apt("purge")
    assert not host.is_so(f"test -e {FOLDER}")
    left = "/etc/spfwhite\n/etc/spfwhite/providers.toml\n"
    assert host.run("find /etc/spfwhite | sort") == left


@pytest.mark.parametrize("variable", ROOTS)
def test_its_life_beside_postfix(package: Path, newer: Path, variable: str) -> None:
    if variable not in os.environ:
        pytest.skip(f"{variable} names no root to boot")
    with Machine(Path(os.environ[variable])) as machine:
        host = Host(machine)
        host.prepare()
        first_installation(host, package)
        completion_and_manual(host)
        upgrade(host, newer)
        removal(host)
        purge_while_main_cf_names_the_table(host)
        purge_while_another_instance_names_the_table(host, package)
        purge_while_nothing_names_the_table(host, package)
