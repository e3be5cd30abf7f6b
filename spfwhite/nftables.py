"""nft(8): does it accept a file of sets.

Owns: the check of a table in the format `nft`. Refuses: to load anything.
"""

from __future__ import annotations

from pathlib import Path

from spfwhite.programs import ProgramError, found, run, said


def verify(table: Path) -> None:
    """Have nft read a file without carrying it out; raises ProgramError.

    Where there is no nft, or none that may ask the kernel, the file is taken as it is.
    """
    program = found("nft")
    if program is None:
        return
    done = run([program, "-c", "-f", str(table.resolve())])
    if done.returncode and "not permitted" not in done.stderr:
        raise ProgramError(f"nft does not accept the new table{said(done)}")
