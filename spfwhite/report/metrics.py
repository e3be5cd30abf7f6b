"""The report of a run in Prometheus' text format, for node_exporter's textfile collector.

Owns: names, help texts and labels of the metrics. Refuses: any value that is not in the report;
label values are names of providers and of statuses, which hold no character that needs escaping.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
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
    providers = report.providers.values()
    oldest = min((p.stale[1].seen for p in providers if p.stale), default=report.started)
    age = max(0.0, report.started - oldest)
    yield from _metric("last_run_timestamp_seconds", "When the run began.", f"{report.started:.0f}")
    success = "When a run last ended with a table that is current or written."
    yield from _metric("last_success_timestamp_seconds", success, f"{_last_success(report):.0f}")
    asked = "When all providers were last asked for."
    yield from _metric("last_asked_timestamp_seconds", asked, f"{report.asked:.0f}")
    yield from _metric("exit_code", "Exit code of the run.", f"{report.exit_code:d}")
    yield from _metric("duration_seconds", "How long the run took.", f"{report.duration:.3f}")
    yield from _metric("questions", "Questions that the run asked.", str(report.questions))
    yield from _metric("failures", "Questions without an answer.", str(report.failed))
    in_use = "Age of the oldest remembered answer in use."
    yield from _metric("oldest_answer_age_seconds", in_use, f"{age:.0f}")
    number = Counter(provider.status for provider in providers)
    by_status = {f'{{status="{status}"}}': str(number[status]) for status in get_args(Status)}
    yield from _metrics("providers", "Providers by status.", by_status)
    troubles = {
        f'{{provider="{each.name}",status="{each.status}"}}': f"{each.since:.0f}"
        for each in providers
        if each.degraded
    }
    if troubles:
        since = "Since when a provider is in trouble."
        yield from _metrics("trouble_since_timestamp_seconds", since, troubles)
    allowed = sizes(report.networks)
    by_family = {f'{{family="{v}"}}': str(allowed[f"{v}_networks"]) for v in ("ipv4", "ipv6")}
    yield from _metrics("networks", "Networks in the allow table.", by_family)
    yield from _metric("ipv4_addresses", "IPv4 addresses.", str(allowed["ipv4_addresses"]))
    yield from _metric("ipv6_64s", "IPv6 /64s in the allow table.", str(allowed["ipv6_64s"]))


def _last_success(report: Report) -> float:
    good = report.exit_code in (Exit.OK, Exit.DEGRADED, Exit.NOT_RELOADED)
    return report.started if good and report.outcome != "planned" else report.last_success


def _metric(name: str, text: str, value: str) -> Iterator[str]:
    return _metrics(name, text, {"": value})


def _metrics(name: str, text: str, values: Mapping[str, str]) -> Iterator[str]:
    """Yield a metric: its values by their labels, which are empty for a single one."""
    yield f"# HELP {PREFIX}{name} {text}"
    yield f"# TYPE {PREFIX}{name} gauge"
    for labels, value in values.items():
        yield f"{PREFIX}{name}{labels} {value}"
