"""The command that looks at the whole set-up: `check`.

Owns: its options and output. Refuses: to write any file, and to use the network.
"""

import sys
import time

import click

from spfwhite.cli.common import Common
from spfwhite.cli.options import format_option
from spfwhite.cli.printing import print_json, print_lines
from spfwhite.inspect import check as checks
from spfwhite.wording import with_program


@click.command()
@format_option("Lines for people, or JSON.", "text", "json")
@click.pass_obj
def check(common: Common, /, *, form: str) -> None:
    """Check configuration, state, tables and Postfix. Touches nothing.

    \b
    spfwhite check
    spfwhite -q check    only what needs something done

    A line for each finding: ok, note, warning or error, what it is about, what is
    the matter, what to do; below it the command that does it, if there is one. Exit
    codes: 0 no warning and no error, 1 otherwise.
    """
    found = checks.check(common.config, checks.Places(), time.time())
    findings = [each._replace(advice=with_program(each.advice, common.program)) for each in found]
    shown = [finding for finding in findings if finding.counts or not common.quiet]
    if form == "json":
        print_json([finding.as_json() for finding in shown])
    else:
        print_lines(line for finding in shown for line in finding.lines())
    sys.exit(1 if any(finding.counts for finding in findings) else 0)
