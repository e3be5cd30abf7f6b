"""The report of a run as JSON, for programs.

Owns: the form that `--report FILE` writes; `version` grows when a key changes its meaning or goes.
Refuses: to say anything that `spfwhite.report.report` does not hold.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from spfwhite._version import __version__

if TYPE_CHECKING:  # `explain` takes its times from here and needs no report
    from spfwhite.networks import Networks
    from spfwhite.report.report import ProviderReport, Report

FORMAT: Final = "spfwhite-report"
VERSION: Final = 1


def dump(report: Report) -> bytes:
    """Return the report as JSON."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "spfwhite": __version__,
        "started": time_text(report.started),
        "duration": round(report.duration, 3),
        "outcome": report.outcome,
        "exit_code": int(report.exit_code),
        "table": str(report.path) if report.path else None,
        "counts": sizes(report.networks),
        "rejected": sizes(report.rejected),
        "verified": report.verified,
        "not_reloaded": report.not_reloaded,
        "unfinished": list(report.unfinished),
        "tables": [
            {
                "path": str(table.path),
                "format": table.format,
                "changed": table.changed,
                "counts": sizes(table.networks),
            }
            for table in report.tables
        ],
        "added": [] if report.refusals else report.added.texts(),
        "removed": [] if report.refusals else report.removed.texts(),
        "questions": {"asked": report.questions, "failed": report.failed},
        "refusals": list(report.refusals),
        "notices": list(report.notices),
        "providers": [provider_json(provider) for provider in report.providers.values()],
    }
    return json.dumps(data, indent=1).encode() + b"\n"


def time_text(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sizes(networks: Networks) -> dict[str, int]:
    """Return the size of a set: networks of both families, IPv4 addresses and IPv6 /64s."""
    v4, v6 = networks.rules()
    return {
        "ipv4_networks": v4,
        "ipv6_networks": v6,
        "ipv4_addresses": networks.size(4),
        "ipv6_64s": networks.blocks64(),
    }


def provider_json(provider: ProviderReport) -> dict[str, Any]:
    """Return what is told of a provider as a JSON object."""
    stale = None
    if provider.stale:
        question, (seen, reason, _) = provider.stale
        stale = {"question": " ".join(question), "since": time_text(seen), "reason": reason}
    return {
        "name": provider.name,
        "action": provider.action,
        "status": provider.status,
        "degraded": provider.degraded,
        "since": None if provider.since is None else time_text(provider.since),
        "causes": list(provider.causes.values()),
        "counts": sizes(provider.networks),
        "added": provider.added.texts(),
        "removed": provider.removed.texts(),
        "lost": provider.lost.texts(),
        "gained": provider.gained.texts(),
        "holds": list(provider.holds),
        "stale": stale,
        "notice": provider.notice,
        "problems": [problem._asdict() for problem in provider.problems],
    }
