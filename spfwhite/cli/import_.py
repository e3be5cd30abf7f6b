"""The command that takes over from a predecessor: `import`.

Owns: its options, which streams it prints to, and the file that it may make. Refuses: to replace a
file, and to read overlays: what it makes is compared with the packaged providers.
"""

import os
from pathlib import Path
from typing import Final

import click

from spfwhite import files
from spfwhite.cli.common import Common
from spfwhite.cli.options import FILE, output_option
from spfwhite.cli.printing import print_bytes, print_lines
from spfwhite.config import loading, postwhite
from spfwhite.errors import ConfigError, FileError
from spfwhite.wording import printable

# Never there, by Debian's policy. An overlay may be the very file that the output goes to.
NO_OVERLAYS: Final = Path("/nonexistent")


@click.command("import")
@click.argument("file", type=FILE, metavar="FILE")
@output_option(help="Write your file here, which must not exist; - is standard output.")
@click.pass_obj
def import_(common: Common, /, *, file: Path, output: Path | None) -> None:
    """Turn a postwhite.conf, or a list of hosts, into your file.

    FILE is read, never run. What cannot be carried over goes to standard error, with its line.

    \b
    spfwhite import /etc/postwhite.conf
    spfwhite import -o /etc/spfwhite/providers.toml /etc/postwhite.conf
    """
    name = printable(str(file))
    try:
        imported = postwhite.convert(_content(file), loading.load(system=NO_OVERLAYS))
    except postwhite.NotPostwhiteError as fault:
        raise ConfigError(f"{name} {fault}") from None
    lines = [f"{name}:{remark.line}: {remark.text}" for remark in imported.remarks]
    lines += [f"{name}: {said}" for said in imported.built_in]
    if output is None or str(output) == "-":
        print_bytes(imported.overlay.encode())
    elif os.path.lexists(output):
        raise FileError(f"{output} exists and is not replaced; name another file")
    else:
        files.make_folder(output.parent)
        files.replace(output, imported.overlay.encode())
        is_ours = loading.SYSTEM in output.absolute().parents
        program = Common(None if is_ours else output).program
        lines.append(printable(f"{output} is written; `{program} generate --dry-run` is next"))
    if not common.quiet:
        print_lines(lines, err=True)


def _content(file: Path) -> bytes:
    # one octet more than there may be shows that there are too many
    try:
        with file.open("rb") as stream:
            return stream.read(postwhite.MAX_BYTES + 1)
    except OSError as fault:
        raise FileError(f"cannot read {file}: {fault.strerror}") from None
