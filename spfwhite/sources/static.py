"""Networks that the operator wrote down himself: nobody to ask, and no limit to meet."""

from collections.abc import Iterator

from spfwhite.config.settings import Provider
from spfwhite.dns.answers import Answers
from spfwhite.sources.interface import Asking, Listed, Reading


async def ask(_providers: list[Provider], _asking: Asking) -> Answers:
    """Ask nobody."""
    return {}


def listed(provider: Provider, _reading: Reading) -> Iterator[Listed]:
    """Yield the networks of a provider."""
    yield Listed(static=provider.networks)
