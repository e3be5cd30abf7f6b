"""All kinds of sources, in the order in which they are asked and in which reports name them."""

from typing import Final

from spfwhite.sources import hosts, pages, spf_domains, static
from spfwhite.sources.interface import Source

KINDS: Final[tuple[Source, ...]] = (spf_domains, pages, hosts, static)
