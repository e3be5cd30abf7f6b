"""The command that adds a sender at once: `add`.

Owns: its options and what it prints. Refuses: to decide anything (`spfwhite.by_command`).
"""

import sys
from datetime import UTC, date, datetime
from functools import partial

import click

from spfwhite.cli.common import LOCK_WAIT, Common, config_of, domain_names, read_anew, what_passes
from spfwhite.cli.generate import finish
from spfwhite.cli.options import network_options, reload_option
from spfwhite.cli.printing import print_bytes, print_lines
from spfwhite.errors import UsageError
from spfwhite.wording import few, printable


def _day(text: str) -> date:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise click.BadParameter(f"{text!a} is no date: write the last day as 2027-01-31") from None
    if day < datetime.now(UTC).date():
        raise click.BadParameter(f"{day} is over")
    return day


@click.command()
@click.argument("domains", nargs=-1, metavar="DOMAIN...")
@click.option(
    "--networks",
    multiple=True,
    metavar="NETWORK",
    help="A network or range to list as it is; repeatable.",
)
@click.option("--category", default="added", show_default=True, help="The provider's category.")
@click.option(
    "--expires", type=_day, metavar="DATE", help="The last day on which it counts, as 2027-01-31."
)
@click.option("--dry-run", is_flag=True, help="Show what would be added; write nothing.")
@reload_option
@network_options
@click.pass_obj
def add(
    common: Common,
    /,
    *,
    domains: tuple[str, ...],
    networks: tuple[str, ...],
    category: str,
    expires: date | None,
    dry_run: bool,
) -> None:
    """Add a sender now, so that the mail that waits gets in.

    Shows what the domains pass, writes a provider to
    /etc/spfwhite/providers.d/90-added.toml, regenerates with all others from memory, and
    has Postfix reload if you are root. All that is named becomes one provider, which is called
    after the first: call `add` once for each to have several. A domain that passes nothing is
    left out. With -c, prints the block to paste instead. `spfwhite remove` undoes it.

    A provider of the list that `remove` took off, or that is off with its category, is put on
    by its name or its domains.

    \b
    spfwhite add hubspot.com
    spfwhite add --expires 2027-01-31 --networks 54.174.52.0/24 hubspot.com
    """
    from spfwhite import by_command as app
    from spfwhite.config import adding
    from spfwhite.config.loading import SYSTEM
    from spfwhite.config.writing import unused_name
    from spfwhite.plan.rails import amounts
    from spfwhite.report.text import problem

    config = config_of(common)
    taken = {each.name for each in config.providers}
    names = domain_names(domains, taken)
    if not names and not networks:
        raise click.UsageError("name a domain, or a network by --networks")
    anew = partial(read_anew, common)
    own = common.config or networks or category != adding.CATEGORY
    if not own and (switch := adding.switch_on(names, config, SYSTEM, expires)):
        print_lines([switch.said])
        if dry_run:
            print_lines(["# not written"])
            return
        report = app.add(config, switch.provider, switch.write, anew, LOCK_WAIT)
        raise finish(common, config, report)
    had = adding.had(names, config, datetime.now(UTC).date())
    names = [name for name in names if name not in had]
    if not names and not networks:
        last = f"; its last day goes into its block: expires = {expires}" if expires else ""
        raise UsageError("; ".join(had.values()) + last)
    print_lines(had.values(), err=True)
    name = unused_name([*names, *networks][0], taken)
    wanted = adding.Addition(name, names, networks, category, expires)
    addition, evaluation = app.try_out(config, wanted)
    passing = {name: what_passes(evaluation, name) for name in names}
    for name, what in passing.items():
        print_lines([f"{name} {what}"])
        print_lines(f"  {problem(each)}" for each in evaluation.problems(name))
    if not addition.domains and not networks:
        why = few([f"{name} {what}" for name, what in passing.items()], 3)
        lists = "`spfwhite add --networks ADDRESS` lists an address of the mail log by itself"
        print_lines([f"nothing was added: {why}; {lists}"], err=True)
        sys.exit(1)
    new, holders = app.not_listed(config, addition, evaluation)
    if not new:
        print_lines([f"nothing to add: all of it is listed, through {few(holders, 3)}"])
        return
    rest = f"{amounts(new)} are not on the list yet; the rest is, through {few(holders, 3)}"
    print_lines([rest if holders else "none of it is on the list yet"])
    # a domain that is left out gives it only where there is no other
    name = unused_name([*addition.domains, *names, *networks][0], taken)
    addition = addition._replace(name=name)
    left_out = [each for each in names if each not in addition.domains]
    print_lines((f"{each} is left out: it {passing[each]}" for each in left_out), err=True)
    if len(addition.domains) + len(networks) > 1:
        one = f"all of these become one provider, {name}; for several, call add once for each"
        print_lines([one])
    print_bytes(addition.block().encode())
    if common.config or dry_run:
        file = printable(str(common.config))
        print_lines([f"# paste this into {file}" if common.config else "# not written"])
        return
    report = app.add(config, name, partial(adding.append, addition, SYSTEM), anew, LOCK_WAIT)
    raise finish(common, config, report)
