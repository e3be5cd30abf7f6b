"""The report of a run in Prometheus' text format, for node_exporter's textfile collector.

Owns: names, help texts and labels of the metrics. Refuses: any value that is not in the report;
label values are names of providers and of statuses, which hold no character that needs escaping.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import get_args

from spfwhite.errors import Exit
from spfwhite.plan.plan import Status
from spfwhite.report.as_json import sizes
from spfwhite.report.report import Report


def dump(report: Report) -> bytes:
    """Return the metrics of one run."""
    lines = []
    for name, text, values in _metrics(report):
        lines += [f"# HELP spfwhite_{name} {text}", f"# TYPE spfwhite_{name} gauge"]
        lines += [f"spfwhite_{name}{labels} {value}" for labels, value in values.items()]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _metrics(report: Report) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Yield name, help text and values of each metric, the latter by labels ("": it has none)."""
    providers = report.providers.values()
    yield "last_run_timestamp_seconds", "When the run began.", {"": round(report.started)}
    success = "When a run last ended with a table that is current or written."
    yield "last_success_timestamp_seconds", success, {"": round(_last_success(report))}
    asked = "When all providers were last asked for."
    yield "last_asked_timestamp_seconds", asked, {"": round(report.asked)}
    yield "exit_code", "Exit code of the run.", {"": int(report.exit_code)}
    yield "duration_seconds", "How long the run took.", {"": f"{report.duration:.3f}"}
    yield "questions", "Questions that the run asked.", {"": report.questions}
    yield "failures", "Questions without an answer.", {"": report.failed}
    oldest = min((p.stale[1].seen for p in providers if p.stale), default=report.started)
    age = round(max(0.0, report.started - oldest))
    yield "oldest_answer_age_seconds", "Age of the oldest remembered answer in use.", {"": age}
    number = Counter(provider.status for provider in providers)
    by_status = {f'{{status="{status}"}}': number[status] for status in get_args(Status)}
    yield "providers", "Providers by status.", by_status
    troubled = [provider for provider in providers if provider.degraded]
    begun = {f'{{provider="{p.name}",status="{p.status}"}}': f"{p.since:.0f}" for p in troubled}
    if begun:
        since = "Since when a provider is in trouble."
        yield "trouble_since_timestamp_seconds", since, begun
    allowed = sizes(report.networks)
    by_family = {f'{{family="{v}"}}': allowed[f"{v}_networks"] for v in ("ipv4", "ipv6")}
    yield "networks", "Networks in the allow table.", by_family
    yield "ipv4_addresses", "IPv4 addresses.", {"": allowed["ipv4_addresses"]}
    yield "ipv6_64s", "IPv6 /64s in the allow table.", {"": allowed["ipv6_64s"]}


def _last_success(report: Report) -> float:
    good = report.exit_code in (Exit.OK, Exit.DEGRADED, Exit.NOT_RELOADED)
    return report.started if good and report.outcome != "planned" else report.last_success
