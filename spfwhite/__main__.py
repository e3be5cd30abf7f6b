"""`python -m spfwhite`."""

from spfwhite.cli import main

main()
