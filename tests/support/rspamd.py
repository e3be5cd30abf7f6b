"""A private rspamd that scores clients by a map of networks, for tests that run as root.

Owns: its configuration, start and stop, and the question which symbols a client gets. Refuses: to
load more of rspamd's rules than the map needs.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.postfix_instance import PATH, unless, until

RSPAMD = shutil.which("rspamd", path=PATH)
needs_rspamd = unless("" if RSPAMD else "rspamd is not installed")

SYMBOL = "LISTED"
CONFIGURATION = """\
options {{
  pidfile = "{folder}/pid"; tempdir = "{folder}"; hs_cache_dir = "{folder}";
  control_socket = "{folder}/control.sock"; filters = ""; url_tld = "{folder}/tld";
  dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 0; }}
}}
logging {{ type = "file"; filename = "{folder}/log"; level = "info"; }}
lua = "/usr/share/rspamd/rules/rspamd.lua"
modules {{ path = "/usr/share/rspamd/plugins/multimap.lua" }}
worker {{ type = "normal"; bind_socket = "127.0.0.1:{port}"; count = 1; }}
metric {{ name = "default"; actions {{ reject = 15; }} }}
multimap {{ {symbol} {{ type = "ip"; map = "{table}"; score = -1.0; }} }}
"""
MAIL = b"From: a@one.example\nTo: b@two.example\nSubject: x\n\nhello\n"


def is_listed(port: int, client: str) -> bool:
    """Return whether a mail from a client gets the symbol; raises OSError while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/checkv2", MAIL, {"IP": client})
        return SYMBOL in json.loads(connection.getresponse().read())["symbols"]
    finally:
        connection.close()


def _answers(port: int) -> bool:
    try:
        is_listed(port, "192.0.2.1")
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return False
    return True


@contextmanager
def rspamd(folder: Path, table: Path) -> Iterator[int]:
    """Run one over a table and yield its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "tld").write_text("example\n")
    config = folder / "rspamd.conf"
    config.write_text(CONFIGURATION.format(folder=folder, port=port, table=table, symbol=SYMBOL))
    process = subprocess.Popen(
        [str(RSPAMD), "-f", "-i", "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _answers(port), "rspamd answers")
        yield port
    finally:
        process.terminate()
        process.wait(30)
