"""A zone of the oracle as a snapshot of the product, and every domain name in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dns.rdatatype
import dns.zone

from spfwhite.dns.answers import Answer, Failed, Found, Question, Void
from tests.support.oracle import Zone

WORLD = Path(__file__).parents[1] / "world"


class Snapshot(Mapping[Question, Answer]):
    """The answers of a zone; a name that it does not have does not exist."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def __getitem__(self, question: Question) -> Answer:
        values = self._zone.get((question.name, question.rrtype))
        if values is None:
            return Void("NXDOMAIN")
        if isinstance(values, str):
            return Failed("timed out")
        return Found(values) if values else Void("NODATA")

    def __iter__(self) -> Iterator[Question]:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._zone)


def world() -> Zone:
    """The frozen world, read by dnspython, its CNAME records followed."""
    master = dns.zone.from_file(
        str(WORLD / "world.zone"), origin=".", relativize=False, check_origin=False
    )
    zone: dict[tuple[str, str], tuple[str, ...]] = {}
    for name in master.nodes:
        for rrtype in ("TXT", "MX", "A", "AAAA"):
            owner = name
            while cname := master.get_rdataset(owner, "CNAME"):
                owner = cname[0].target
            if owner in master.nodes:
                found = master.get_rdataset(owner, rrtype) or ()
                key = name.to_text(omit_final_dot=True).lower(), rrtype
                zone[key] = tuple(_value(rdata) for rdata in found)
    return zone


def _value(rdata: Any) -> str:
    if rdata.rdtype == dns.rdatatype.TXT:
        return b"".join(rdata.strings).decode("latin-1")
    return str(rdata.to_text()).removesuffix(".").lower()


def domains(zone: Zone) -> list[str]:
    """The names that have TXT records or an answer about them."""
    return sorted({name for name, rrtype in zone if rrtype == "TXT"})
