"""The program, as the console script and `python -m spfwhite` start it.

Owns: what holds for the whole process, and so is not for the library. Refuses: to import anything
before a signal may end the program.
"""

import gc
import signal


def main() -> None:
    """Run the command line and exit."""
    # A run survives SIGKILL, so SIGINT and SIGTERM may end it at once, which a shell sees as 130
    # and 143. SIGINT stays ignored where a shell has a job in the background ignore it.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # looking for cycles takes up to a quarter of a run's time, and finds nothing
    from spfwhite.cli import main as cli

    cli.main()


if __name__ == "__main__":
    main()
