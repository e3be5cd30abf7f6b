"""The records that the tests' DNS server knows: one tree of names, held as wire octets.

Owns: building a zone from a master file or a dict, changing it while it is served, and look-ups
in it (RFC 1034 section 4.3.2: CNAME chains, names that exist only as ancestors of others).
Refuses: messages (`tests.support.dnswire`), delegation and wildcards, which no test needs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.zone

Labels = tuple[bytes, ...]
Value = str | bytes | Sequence[bytes]
Records = Mapping[tuple[str, str], Sequence[Value]]

TTL = 300
CNAME = int(dns.rdatatype.CNAME)


class RRset(NamedTuple):
    """The records of one name and type: owner, type number, seconds to live, rdata octets."""

    owner: Labels
    rrtype: int
    ttl: int
    rdata: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a zone says to a question: the rcode and the RRsets in the order of the CNAME chain."""

    rcode: int
    rrsets: tuple[RRset, ...]


def labels_of(name: str) -> Labels:
    """Split a name at its dots; no escapes, so that a label may hold any other octet.

    A name has one character an octet (Latin-1). Raises ValueError for a label that is empty or
    over 63 octets (RFC 1035 section 3.1).
    """
    octets = name.encode("latin-1").removesuffix(b".")
    labels = tuple(octets.split(b".")) if octets else ()
    if any(not 0 < len(label) < 64 for label in labels):
        raise ValueError(f"not a domain name: {name!r}")
    return labels


def lower(labels: Iterable[bytes]) -> Labels:
    """Return the spelling in which names are compared (RFC 1035 section 2.3.3)."""
    return tuple(label.lower() for label in labels)


def name_octets(labels: Labels) -> bytes:
    """Return a name as it stands in a message, without compression."""
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def txt_octets(value: Value) -> bytes:
    """Return TXT rdata: a text cut every 255 octets, or character-strings as they are."""
    if isinstance(value, str):
        value = value.encode("latin-1")
    if isinstance(value, bytes):
        value = [value[i : i + 255] for i in range(0, len(value), 255)] or [b""]
    return b"".join(bytes([len(string)]) + string for string in value)


def rdata_octets(rrtype: str, value: Value) -> bytes:
    """Return one value of the dict form as rdata."""
    if rrtype == "TXT":
        return txt_octets(value)
    if not isinstance(value, str):
        raise TypeError(f"a value of type {rrtype} is text")
    if rrtype == "CNAME":
        return name_octets(labels_of(value))
    if rrtype == "MX":
        preference, host = value.split(" ", 1)
        return struct.pack("!H", int(preference)) + name_octets(labels_of(host))
    return dns.rdata.from_text(dns.rdataclass.IN, rrtype, value).to_generic().data


class Zone:
    """Records by name and type; may be changed in one thread while another one reads.

    `version` grows after every change, so that whoever keeps answers knows when they are old.
    """

    def __init__(self, records: Records | None = None) -> None:
        self.version = 0
        self._rrsets: dict[tuple[Labels, int], RRset] = {}
        self._names: frozenset[Labels] = frozenset()
        for (name, rrtype), values in (records or {}).items():
            self._put(name, rrtype, values)
        self._changed()

    @classmethod
    def from_text(cls, text: str) -> Zone:
        """Read an RFC 1035 master file with origin `.`; raises dns.exception.DNSException."""
        zone = cls()
        parsed = dns.zone.from_text(
            f"$TTL {TTL}\n{text}", origin=".", relativize=False, check_origin=False
        )
        for name, rdataset in parsed.iterate_rdatasets():
            owner, rrtype = lower(name.labels[:-1]), int(rdataset.rdtype)
            rdata = tuple(record.to_generic().data for record in rdataset)
            zone._rrsets[owner, rrtype] = RRset(owner, rrtype, rdataset.ttl, rdata)
        zone._changed()
        return zone

    @classmethod
    def from_file(cls, path: Path) -> Zone:
        """Read a master file; raises OSError and dns.exception.DNSException."""
        return cls.from_text(path.read_text(encoding="utf-8"))

    def set(self, name: str, rrtype: str, values: Sequence[Value]) -> None:
        """Replace the records of that name and type."""
        self._put(name, rrtype, values)
        self._changed()

    def remove(self, name: str, rrtype: str) -> None:
        """Forget the records of that name and type; raises KeyError if there are none."""
        del self._rrsets[lower(labels_of(name)), int(dns.rdatatype.from_text(rrtype))]
        self._changed()

    def lookup(self, name: Labels, rrtype: int) -> Lookup:
        """Answer a question as a recursive resolver does that sees nothing but this zone.

        A CNAME that leads back to its own chain ends it: the CNAMEs alone are the answer. The rcode
        is that of the last name of the chain (RFC 6604 section 3).
        """
        chain: dict[Labels, RRset] = {}
        while (found := self._rrsets.get((name, rrtype))) is None:
            alias = self._rrsets.get((name, CNAME))
            if alias is None or name in chain:
                exists = name in self._names
                rcode = dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN
                return Lookup(int(rcode), tuple(chain.values()))
            chain[name] = alias
            name = _target(alias)
        return Lookup(int(dns.rcode.NOERROR), (*chain.values(), found))

    def _put(self, name: str, rrtype: str, values: Sequence[Value]) -> None:
        owner, number = lower(labels_of(name)), int(dns.rdatatype.from_text(rrtype))
        rdata = tuple(rdata_octets(rrtype, value) for value in values)
        self._rrsets[owner, number] = RRset(owner, number, TTL, rdata)

    def _changed(self) -> None:
        # RFC 8020 section 2: a name with something below it exists, though it has no records.
        owners = {owner for owner, _ in self._rrsets}
        self._names = frozenset(o[depth:] for o in owners for depth in range(len(o) + 1))
        self.version += 1


def _target(alias: RRset) -> Labels:
    octets, labels, at = alias.rdata[0], [], 0
    while length := octets[at]:
        labels.append(octets[at + 1 : at + 1 + length])
        at += 1 + length
    return lower(labels)
