"""nft(8): does it accept a file of sets.

Owns: the check of a table in the format `nft`. Refuses: to load anything.
"""

from pathlib import Path

from spfwhite.errors import ProgramError
from spfwhite.programs import found, run, said

# What nft says where it cannot ask the kernel, whatever the file holds.
UNABLE = ("not permitted", "nable to initialize Netlink", "cache initialization failed")


def verify(table: Path) -> None:
    """Have nft read a file without carrying it out; raises ProgramError.

    Where there is no nft, or none that may ask the kernel, the file is taken as it is.
    """
    program = found("nft")
    if program is None:
        return
    done = run([program, "-c", "-f", str(table.resolve())])
    if done.returncode and not any(text in done.stderr for text in UNABLE):
        errors = [line for line in done.stderr.splitlines() if "Error:" in line]
        why = f": {errors[0].strip()}" if errors else said(done)
        raise ProgramError(f"nft does not accept the new table{why}")
