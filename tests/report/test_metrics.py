"""The metrics of a run: the text format, read strictly, and the alerts that use them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from spfwhite.networks import Networks
from spfwhite.report import metrics
from spfwhite.report.report import Report
from tests.support.nights import START, Nights, configured, failing, records

RULES = Path(__file__).parents[2] / "contrib" / "prometheus" / "spfwhite.rules.yml"

CONFIG = configured({"p": ["p.test"], "q": ["q.test"], "gone": ["gone.test"]})
ZONE = records(p="ip4:20.0.0.0/16 ip6:2a00:1::/48", q="ip4:21.0.0.0/24")

# https://prometheus.io/docs/instrumenting/exposition_formats/, "Text format details"
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
HELP = re.compile(rf"# HELP ({NAME}) ((?:[^\\\n]|\\[\\n])*)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram|summary|untyped)")
SAMPLE = re.compile(
    rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ([-+]?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)"
)

Labels = frozenset[tuple[str, str]]


class Family(NamedTuple):
    """One metric: what its help says, its type, and the values by labels."""

    text: str
    kind: str
    samples: dict[Labels, float]


def parsed(content: bytes) -> dict[str, Family]:
    """Read an exposition; each metric is one group of HELP, TYPE and samples, in this order."""
    text = content.decode("utf-8")
    assert text.endswith("\n")
    families: dict[str, Family] = {}
    current = ""
    lines = iter(text.removesuffix("\n").split("\n"))
    for line in lines:
        if line.startswith("#"):
            head, kind = HELP.fullmatch(line), TYPE.fullmatch(next(lines))
            assert head and kind and head[1] == kind[1], line
            current = head[1]
            assert current not in families, f"{current} comes twice"
            families[current] = Family(head[2], kind[2], {})
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        assert sample[1] == current, f"{sample[1]} stands below {current}"
        labels = frozenset(re.findall(LABEL, sample[2] or ""))
        assert labels not in families[current].samples, f"{line} comes twice"
        families[current].samples[labels] = float(sample.groups()[-1])
    assert all(family.samples for family in families.values())
    return families


def report(*, failed: bool = False) -> Report:
    """The report of the second of two nights."""
    series = Nights(CONFIG)
    series.night(ZONE)
    night = series.night(failing(ZONE, "p.test") if failed else ZONE)
    return night.report._replace(outcome="written", duration=1.25, last_success=START)


def value(report: Report, name: str, **labels: str) -> float:
    return parsed(metrics.dump(report))[f"spfwhite_{name}"].samples[frozenset(labels.items())]


def test_it_is_prometheus_text_format() -> None:
    families = parsed(metrics.dump(report()))
    assert len(families) >= 10
    for name, family in families.items():
        assert name.startswith("spfwhite_")
        assert family.kind == "gauge"  # each run is a process of its own, so nothing counts up
        assert family.text


@pytest.mark.parametrize(
    "bad",
    [
        b"a 1",
        b"a 1\n",
        b"# HELP a x\n# TYPE a gauge\nb 1\n",
        b"# HELP a x\n# TYPE a gauge\na 1\na 1\n",
        b"# HELP a x\n# TYPE a gauge\n",
        b"# HELP a x\n# TYPE a gauge\na one\n",
        b'# HELP a x\n# TYPE a gauge\na{b="c} 1\n',
        b"# HELP a x\n# TYPE b gauge\na 1\n",
    ],
)
def test_the_reader_of_this_test_is_strict(bad: bytes) -> None:
    with pytest.raises((AssertionError, StopIteration)):
        parsed(bad)


def test_it_has_the_facts_of_the_run() -> None:
    made = report(failed=True)
    assert value(made, "last_run_timestamp_seconds") == made.started
    assert value(made, "duration_seconds") == 1.25
    assert value(made, "questions") == made.questions == 3
    assert value(made, "failures") == 0  # the failed one was answered from memory
    assert value(made, "oldest_answer_age_seconds") == 86_400
    assert value(made, "exit_code") == 0


def test_it_has_the_size_of_the_table_by_family() -> None:
    made = report()._replace(networks=Networks.parse(["20.0.0.0/23", "20.0.9.0/24", "2a00::/47"]))
    assert value(made, "networks", family="ipv4") == 2
    assert value(made, "networks", family="ipv6") == 1
    assert value(made, "ipv4_addresses") == 768
    assert value(made, "ipv6_64s") == 2**17


def test_it_counts_the_providers_of_every_status() -> None:
    made = report(failed=True)
    family = parsed(metrics.dump(made))["spfwhite_providers"]
    assert sum(family.samples.values()) == len(made.providers) == 3
    assert value(made, "providers", status="stale") == 1
    assert value(made, "providers", status="empty") == 1  # gone.test never existed
    assert value(made, "providers", status="missing") == 0
    assert value(made, "providers", status="held") == 0  # so that an alert can end


def test_without_stale_answers_nothing_is_old() -> None:
    assert value(report(), "oldest_answer_age_seconds") == 0


def test_a_run_that_wrote_is_the_last_success() -> None:
    made = report()
    assert value(made, "last_success_timestamp_seconds") == made.started
    current = made._replace(outcome="current")
    assert value(current, "last_success_timestamp_seconds") == made.started


def test_a_run_that_could_not_reload_is_a_success_with_its_exit_code() -> None:
    made = report()._replace(not_reloaded="no rights")
    assert value(made, "exit_code") == 5
    assert value(made, "last_success_timestamp_seconds") == made.started


def test_the_last_success_survives_a_refused_run_and_a_dry_one() -> None:
    refused = report()._replace(outcome="refused", refusals=("the list would be empty",))
    assert value(refused, "exit_code") == 4
    assert value(refused, "last_success_timestamp_seconds") == START
    dry = report()._replace(outcome="planned")
    assert value(dry, "last_success_timestamp_seconds") == START


def test_large_numbers_are_exact() -> None:
    assert value(report()._replace(networks=Networks.parse(["2000::/3"])), "ipv6_64s") == 2**61
    assert b" 2305843009213693952\n" in metrics.dump(
        report()._replace(networks=Networks.parse(["2000::/3"]))
    )


# --- the alerts ---


def test_the_alerts_use_metrics_labels_and_statuses_that_exist() -> None:
    expressions = re.findall(r"^ *expr: (.+)$", RULES.read_text(), re.MULTILINE)
    assert len(expressions) == RULES.read_text().count("- alert:") >= 3
    families = parsed(metrics.dump(report()))
    used = {name for text in expressions for name in re.findall(r"\bspfwhite_\w+", text)}
    assert used
    assert used <= families.keys()
    statuses = {value for labels in families["spfwhite_providers"].samples for _, value in labels}
    for text in expressions:
        for label, values in re.findall(r'\{(\w+)=~?"([^"]+)"\}', text):
            assert label == "status"
            assert set(values.split("|")) <= statuses


def test_the_alerts_name_commands_that_exist() -> None:
    from tests.support.commands import EVERY

    commands = re.findall(r"`spfwhite (\w+)", RULES.read_text())
    assert commands
    assert set(commands) <= EVERY.keys()
