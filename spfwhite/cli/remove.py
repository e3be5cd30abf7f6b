"""The command that takes a provider off the list: `remove`.

Owns: its options. Refuses: to decide anything (`spfwhite.by_command`).
"""

from functools import partial

import click

from spfwhite.cli.common import LOCK_WAIT, Common, config_of, provider_meant, read_anew
from spfwhite.cli.generate import finish
from spfwhite.cli.options import provider_names, reload_option
from spfwhite.cli.printing import print_lines
from spfwhite.errors import UsageError
from spfwhite.wording import few


@click.command()
@click.argument("name", metavar="NAME", shell_complete=provider_names)
@reload_option
@click.pass_obj
def remove(common: Common, /, *, name: str) -> None:
    """Take a provider off the list.

    NAME is the provider's, or a domain that only it has. Takes out what `spfwhite add` wrote, or
    else writes `enabled = false` for the provider to /etc/spfwhite/providers.d/90-added.toml, and
    regenerates from memory. Networks that other providers pass stay on the list. If you are root,
    Postfix reloads.

    \b
    spfwhite remove hubspot.com
    """
    from spfwhite import by_command as app
    from spfwhite.config.loading import SYSTEM

    config = config_of(common)
    provider = provider_meant(common, config, name)
    if common.config:
        raise UsageError(f"set `enabled = false` in [providers.{provider.name}] of your own file")
    if name != provider.name:
        sources = [*provider.domains, *provider.networks.texts(), *provider.pages]
        print_lines([f"this takes off provider {provider.name}, all of it: {few(sources, 3)}"])
    report = app.remove(config, provider, SYSTEM, partial(read_anew, common), LOCK_WAIT)
    raise finish(common, config, report)
