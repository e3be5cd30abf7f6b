"""The command line: the group of commands and the options before them.

Owns: that a command's module is loaded when the command is called, and the one place where
exceptions become a line and an exit code. Refuses: to import what only one command needs; `--help`
and `--version` must stay quick.
"""

import sys
from importlib import import_module
from keyword import iskeyword
from typing import Any, Final

import click

from spfwhite._version import __version__
from spfwhite.cli import streams
from spfwhite.cli.common import Common
from spfwhite.cli.options import common_options
from spfwhite.cli.printing import print_lines
from spfwhite.errors import SpfwhiteError
from spfwhite.wording import did_you_mean, printable

# The first sentence of each command's help: to list them, none has to be loaded.
COMMANDS: Final = {
    "add": "Add a sender now, so that the mail that waits gets in.",
    "check": "Check configuration, state, tables and Postfix.",
    "explain": "Say why addresses are on the table, or why not.",
    "generate": "Resolve all providers and write the table.",
    "import": "Turn a postwhite.conf, or a list of hosts, into your file.",
    "providers": "Show the health of each provider, or all about some.",
    "reload": "Reload Postfix, unless it has the tables already.",
    "remove": "Take a provider off the list.",
    "show": "Show what domains pass, with every term.",
    "suggest": "Propose senders in the mail log that the list lacks.",
}


def module_name(command: str) -> str:
    """Return the module of a command, which is also the name of its function there."""
    return f"{command}_" if iskeyword(command) else command


class _Commands(click.Group):
    def main(self, *arguments: Any, **extra: Any) -> Any:
        with streams.unfailing():
            try:
                return super().main(*arguments, **extra)
            except SpfwhiteError as error:
                print_lines([f"spfwhite: {printable(str(error))}"], err=True)
                sys.exit(error.exit_code)

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        name = module_name(name)
        command: click.Command = getattr(import_module(f"spfwhite.cli.{name}"), name)
        return common_options(command, hidden=True)

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, arguments)
        except click.UsageError as fault:
            meant = did_you_mean(arguments[0], COMMANDS)
            raise click.UsageError(fault.message.rstrip(".") + meant, context) from None

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    # help as wide as the terminal; click would stop at 80 columns
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 10_000},
)
@click.version_option(__version__, prog_name="spfwhite")
@click.pass_context
def main(context: click.Context) -> None:
    """Turn the SPF records of well-known senders into an allowlist for postscreen.

    \b
    spfwhite generate --dry-run    what a run would do
    spfwhite generate              write the table
    spfwhite show _spf.google.com  what a domain passes, term by term

    -c, -v and -q may stand before or behind the command.

    Exit codes: 0 table current or written, 1 error, 2 usage or configuration, 3 written or current,
    and a trouble is news, 4 refused, 5 written but Postfix did not reload, 6 another run holds the
    lock.
    """
    context.ensure_object(Common)


common_options(main)
