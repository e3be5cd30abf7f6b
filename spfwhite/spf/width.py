"""The limits on what "+" terms pass: how much of the internet one may, and whose record may not.

Owns: how wide a "+" term of its own may be. Refuses: to judge includes and redirects, whose terms
are judged where they stand.
"""

# RFC 7208 lets a record pass as much as it likes, `+all` (section 5.1) included; on a list that is
# every spammer's address. So a "+" term wider than `safety.widest_ipv4` or `_ipv6` passes nothing.
# It is judged term by term: on the result, `-ip4:192.0.2.0/28 +all` would keep eight million
# addresses. A directive that is not "+" may be as wide as it likes, below an include too: it takes
# away. Each family is judged by itself, so that `a/8//64` keeps its IPv6 addresses.
#
# A domain of `safety.exclude` is a sender that is off though others include it: a "+" include of it
# and a redirect to it pass nothing, and what denies it still denies all of it.

from typing import Final, NamedTuple

from spfwhite.networks import BITS, EMPTY, Networks
from spfwhite.spf import record as spf
from spfwhite.spf.result import Fault


class Widest(NamedTuple):
    """The shortest prefix lengths of "+" terms (0: any), and domains whose records pass nothing."""

    ipv4: int = 0
    ipv6: int = 0
    excluded: frozenset[str] = frozenset()

    def allows(self, term: spf.Term) -> bool:
        """Whether a term is not too wide, as no directive is that is not "+"."""
        prefix4, prefix6 = _prefixes(term.body)
        return term.qualifier != "+" or (prefix4 >= self.ipv4 and prefix6 >= self.ipv6)

    def narrowed(self, term: spf.Term, matched: Networks) -> Networks:
        """Return what is left of a term's addresses: each family that is too wide goes."""
        if self.allows(term):
            return matched
        prefix4, prefix6 = _prefixes(term.body)
        return Networks(
            matched.v4 if prefix4 >= self.ipv4 else (), matched.v6 if prefix6 >= self.ipv6 else ()
        )

    def admits(self, networks: Networks) -> bool:
        """Whether no CIDR of a set is wider than this."""
        return all(
            prefix >= least
            for version, least in ((4, self.ipv4), (6, self.ipv6))
            for _, prefix in networks.cidrs(version)
        )

    def admitted(self, text: str, networks: Networks) -> Networks:
        """Return what of remembered networks the term that passed them may still pass."""
        if self.admits(networks):
            return networks
        terms = spf.parse(f"v=spf1 {text}").terms
        if len(terms) != 1:
            return EMPTY
        if isinstance(terms[0].body, spf.Ip):
            networks &= terms[0].body.networks
        # The name of a list is no term, and not too wide: of a list each entry was judged when it
        # came, and may have been joined with its neighbours since.
        return self.narrowed(terms[0], networks)

    def fault(self, term: spf.Term) -> Fault:
        """Return the fault of a term that `narrowed` took something from."""
        prefix4, prefix6 = _prefixes(term.body)
        family, prefix, widest = "ipv4", prefix4, self.ipv4
        if prefix4 >= self.ipv4:
            family, prefix, widest = "ipv6", prefix6, self.ipv6
        detail = f"a /{prefix} is wider than the /{widest} of safety.widest_{family}"
        return Fault("too-wide", detail)


ANY_WIDTH: Final = Widest()


def _prefixes(body: spf.Body) -> tuple[int, int]:
    """Return the prefix lengths of what a term adds of its own; none is wider than one address."""
    match body:
        case spf.All():
            return 0, 0
        case spf.Ip(version=version, prefix=prefix):
            return (prefix, BITS[6]) if version == 4 else (BITS[4], prefix)
        case spf.Hosts(prefix4=prefix4, prefix6=prefix6):
            return prefix4, prefix6
    return BITS[4], BITS[6]
