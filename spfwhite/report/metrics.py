"""The report of a run in Prometheus' text format, for node_exporter's textfile collector.

Owns: names, help texts and labels of the metrics. Refuses: any value that is not in the report;
label values are names of providers and of statuses, which hold no character that needs escaping.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, get_args

from spfwhite.errors import Exit
from spfwhite.plan.plan import Status
from spfwhite.report.as_json import sizes
from spfwhite.report.report import Report

PREFIX: Final = "spfwhite_"


def dump(report: Report) -> bytes:
    """Return the metrics of one run."""
    return "".join(f"{line}\n" for line in _lines(report)).encode("ascii")


def _lines(report: Report) -> Iterator[str]:
    yield from _metric("last_run_timestamp_seconds", "When the run began.", f"{report.started:.0f}")
    yield from _metric(
        "last_success_timestamp_seconds",
        "When a run last ended with a table that is current or written.",
        f"{_last_success(report):.0f}",
    )
    yield from _metric(
        "last_asked_timestamp_seconds",
        "When all providers were last asked for.",
        f"{report.asked:.0f}",
    )
    yield from _metric("exit_code", "Exit code of the run.", f"{report.exit_code:d}")
    yield from _metric("duration_seconds", "How long the run took.", f"{report.duration:.3f}")
    yield from _metric("questions", "Questions that the run asked.", str(report.questions))
    yield from _metric("failures", "Questions without an answer.", str(report.failed))
    providers = report.providers.values()
    oldest = min((p.stale.seen for p in providers if p.stale), default=report.started)
    yield from _metric(
        "oldest_answer_age_seconds",
        "Age of the oldest remembered answer in use.",
        f"{max(0.0, report.started - oldest):.0f}",
    )
    yield from _by_status(report)
    allowed = sizes(report.networks)
    yield from _by_family("networks", "Networks in the allow table.", allowed, "networks")
    yield from _metric("ipv4_addresses", "IPv4 addresses.", str(allowed["ipv4_addresses"]))
    yield from _metric("ipv6_64s", "IPv6 /64s in the allow table.", str(allowed["ipv6_64s"]))


def _last_success(report: Report) -> float:
    good = report.exit_code in (Exit.OK, Exit.DEGRADED, Exit.NOT_RELOADED)
    return report.started if good and report.outcome != "planned" else report.last_success


def _metric(name: str, text: str, value: str) -> Iterator[str]:
    yield f"# HELP {PREFIX}{name} {text}"
    yield f"# TYPE {PREFIX}{name} gauge"
    yield f"{PREFIX}{name} {value}"


def _by_status(report: Report) -> Iterator[str]:
    number = Counter(provider.status for provider in report.providers.values())
    yield f"# HELP {PREFIX}providers Providers by status."
    yield f"# TYPE {PREFIX}providers gauge"
    for status in get_args(Status):
        yield f'{PREFIX}providers{{status="{status}"}} {number[status]}'


def _by_family(name: str, text: str, size: dict[str, int], unit: str) -> Iterator[str]:
    yield f"# HELP {PREFIX}{name} {text}"
    yield f"# TYPE {PREFIX}{name} gauge"
    for family in ("ipv4", "ipv6"):
        yield f'{PREFIX}{name}{{family="{family}"}} {size[f"{family}_{unit}"]}'
