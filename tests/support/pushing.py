"""Hosts for contrib/push/push-table: each a folder, in which a stand-in for ssh runs commands.

Owns: the folders, the programs that a command finds there (coreutils, postmap, a stand-in for
postfix, and nothing else), the run of the script, and how it ends when all went well or nothing
was done. Refuses: a network, and a real ssh.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.postfix_instance import PATH

CONTRIB = Path(__file__).parents[2] / "contrib"
SCRIPT = CONTRIB / "push" / "push-table"
NAME = "postscreen_spf_whitelist.cidr"
TARGET = f"etc/{NAME}"

OLD = "# written on Monday\n# 1 network\n192.0.2.0/24\tpermit\n"
NEW = "# written on Tuesday\n# 2 networks\n192.0.2.0/24\tpermit\n2001:db8::/32\tpermit\n"
BAD = "192.0.2.0/24\tpermit\n198.51.100.1/24\tpermit\n"
"""Postfix skips a rule with host bits, and loads the rest."""

NEEDED = (
    "awk",
    "sh",
    "cat",
    "chmod",
    "cksum",
    "cp",
    "id",
    "mktemp",
    "mv",
    "printf",
    "readlink",
    "rm",
    "sync",
)
"""What a host has to have besides Postfix: sh, awk and coreutils."""

SBIN = (Path("/usr/sbin"), Path("/usr/local/sbin"))
"""Where the script has to look by itself: the PATH of a host, like that of sshd, may lack them."""

SSH = """\
#!/bin/sh
host=$1
shift
cd "$HOSTS/$host" 2>/dev/null || { echo "ssh: $host: Connection refused" >&2; exit 255; }
PATH=$HOSTS/$host/bin
export PATH
if [ -f cut ]; then "$HEAD" -c "$(cat cut)"; else cat; fi | sh -c "$*"
"""
"""A host without a folder is down; where there is a file `cut`, only that many octets arrive."""


@dataclass(frozen=True, slots=True)
class Host:
    """One host, by the path of its table."""

    folder: Path
    table: Path

    def cut(self, octets: int) -> None:
        """Let the connection to it die after so many octets."""
        (self.folder / "cut").write_text(str(octets))

    def replace(self, program: str, script: str) -> None:
        """Put a script in place of a program, which is `$real` in it."""
        path = self.folder / "bin" / program
        real = shlex.quote(str(shutil.which(program, path=PATH)))
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\nreal={real}\n{script}\n")
        path.chmod(0o755)

    def asked(self) -> list[str]:
        """Return what its postfix was asked."""
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def has_only(self, text: str) -> bool:
        """Whether this is its table, and there is no other file in the folder."""
        alone = list(self.table.parent.iterdir()) == [self.table]
        return alone and self.table.read_bytes() == text.encode()


@dataclass(frozen=True, slots=True)
class Pushing:
    """The table to push, and a folder for the hosts."""

    folder: Path

    @property
    def table(self) -> Path:
        """The table on the host that generates."""
        return self.folder / "table.cidr"

    @property
    def main_cf(self) -> Path:
        """The main.cf of every host."""
        return self.folder / "config" / "main.cf"

    def configure(self, more: str = "") -> None:
        """Write the main.cf of every host; postmap warns of a line, but that is not the table's."""
        twice = "inet_protocols = ipv4\ninet_protocols = all\n"
        self.main_cf.write_text(f"compatibility_level = 3.6\n{twice}{more}")
        os.utime(self.main_cf, (0, 0))  # Postfix waits until a fresh main.cf has cooled down

    def host(self, name: str, *, target: str = TARGET, table: str | None = OLD) -> Host:
        """Make a host with this table, whose Postfix reloads when it is told to."""
        host = Host(self.folder / name, self.folder / name / target)
        (host.folder / "bin").mkdir(parents=True)
        for program in (*NEEDED, "postmap"):
            found = Path(str(shutil.which(program, path=PATH)))
            if found.parent not in SBIN:
                (host.folder / "bin" / program).symlink_to(found)
        host.replace("postfix", f'echo "$*" >>{shlex.quote(str(host.folder))}/asked')
        host.table.parent.mkdir(parents=True, exist_ok=True)
        if table is not None:
            host.table.write_text(table)
        return host

    def push(self, *hosts: str, target: str = TARGET) -> subprocess.CompletedProcess[str]:
        """Push the table to hosts."""
        return self.run("-t", target, self.table, *hosts)

    def run(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script as cron does."""
        return subprocess.run(
            [SCRIPT, *arguments],
            env=self.environment() | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """Return cron's environment, and what ssh and postmap of the hosts need."""
        return {
            "PATH": "/usr/bin:/bin",
            "SSH": str(self.folder / "ssh"),
            "HOSTS": str(self.folder),
            "HEAD": str(shutil.which("head")),
            "MAIL_CONFIG": str(self.main_cf.parent),
        }


def prepared(folder: Path) -> Pushing:
    """Return a new table in a folder, and no host yet."""
    made = Pushing(folder)
    (folder / "ssh").write_text(SSH)
    (folder / "ssh").chmod(0o755)
    made.main_cf.parent.mkdir()
    made.configure()
    made.table.write_text(NEW)
    return made


def assert_went_well(done: subprocess.CompletedProcess[str]) -> None:
    """Fail unless it ended with 0 and without a word."""
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def assert_kept(host: Host, done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Fail unless the host has its old table and nothing else, and is named with these words."""
    assert (done.returncode, done.stdout) == (1, "")
    for line in done.stderr.splitlines():
        assert line.startswith(f"push-table: {host.folder.name}: ")
    for word in words:
        assert word in done.stderr
    assert host.has_only(OLD)
    assert host.asked() == []
