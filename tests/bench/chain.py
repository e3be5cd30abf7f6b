"""The floor of a run: what is asked, and the longest chain of look-ups that wait for each other.

As a program it reads a world's folder with a recorded snapshot, writes the questions to a file and
prints how long the chain is: `python -m tests.bench.chain FOLDER`. Refuses: to ask.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from spfwhite.dns.answers import Answers, Failed, Question
from spfwhite.sources.fetch import load_snapshot
from spfwhite.spf.reach import follow_up
from tests.bench.prepare import DOMAINS, QUESTIONS, SNAPSHOT


def chain(domains: Iterable[str], answers: Answers) -> int:
    """Return how many times one has to wait for answers that can be asked for at the same time."""
    seen: set[Question] = set()
    wave = {Question(domain, "TXT") for domain in domains}
    waves = 0
    while wave:
        waves += 1
        seen |= wave
        named = {below for asked in wave for below in follow_up(asked, answers[asked])}
        wave = (named & answers.keys()) - seen
    return waves


def main(folder: Path) -> None:
    """Write the questions and print the chain's length; raises SystemExit if one has no answer."""
    answers = load_snapshot(folder / SNAPSHOT)
    for question, answer in answers.items():
        if isinstance(answer, Failed):
            raise SystemExit(f"{question.name} {question.rrtype}: {answer.reason}")
    lines = (f"{question.name} {question.rrtype}\n" for question in sorted(answers))
    (folder / QUESTIONS).write_text("".join(lines), encoding="utf-8")
    domains = (folder / DOMAINS).read_text(encoding="utf-8").split()
    sys.stdout.write(f"{chain(domains, answers)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
