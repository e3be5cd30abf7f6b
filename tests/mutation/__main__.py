"""Run mutants of the modules that decide against those modules' tests, and name the survivors.

    python -m tests.mutation plan/rails.py ...   every mutant of these modules
    python -m tests.mutation --sample 250        so many of all modules, the same ones each time

Exits with 1 if a mutant survives that `equivalents.toml` does not name, or if that file names one
that does not exist. Each mutant is tried in a process forked from one that has the libraries
loaded, in a copy of the tree, and generated tests are seeded.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import Phase, settings

import tests.conftest  # noqa: F401 - for the libraries that it loads
from tests.mutation import operators

ROOT = Path(__file__).parents[2]
KNOWN: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("equivalents.toml").read_text()
)
"""For each module the mutants that nobody could tell from it, and the reason."""

TESTS = {
    "special_use.py": ["test_special.py"],
    "dns/message.py": ["dns/test_message*.py", "dns/test_edns.py"],
    "spf/width.py": ["spf/test_width.py"],
    "spf/first_match.py": ["spf/test_first_match.py"],
    "spf/list_mode.py": [
        "spf/test_evaluate.py",
        "spf/test_list_terms.py",
        "spf/test_hints.py",
        "spf/test_cost.py",
        "spf/test_excluded.py",
        "plan/test_left_out.py",
    ],
    "spf/strict.py": ["spf/test_strict*.py", "spf/test_cost.py"],
    "sources/memory.py": ["sources/test_memory.py", "sources/test_kept.py"],
    "plan/rails.py": ["plan/test_rails*.py"],
    "plan/past.py": ["plan/test_week.py"],
    "plan/total.py": ["plan/test_total.py", "plan/test_plan_total.py"],
    "plan/losses.py": ["plan/test_losses.py", "plan/test_void.py", "plan/test_plan_holds.py"],
    "plan/clock.py": ["plan/test_clock.py"],
    "plan/plan.py": [
        "plan/test_plan_holds.py",
        "plan/test_plan_total.py",
        "plan/test_held_days.py",
        "plan/test_partial.py",
        "plan/test_decided.py",
        "plan/test_plan_edges.py",
        "plan/test_week.py",
        "plan/test_comeback.py",
        "plan/test_unanswered.py",
        "plan/test_state_file.py",
        "report/test_notices.py",
        "report/test_news.py",
    ],
}
"""The modules that decide, and the tests of which one has to fail with a mutant, if not slow."""

SECONDS = 20
"""Processor time of a mutant's tests; a mutant may have no end."""
OCTETS = 2 << 30
"""Memory of a mutant's tests."""
PATIENCE = 300
"""Seconds of the clock after which a mutant that waits for something is given up."""

settings.register_profile(
    "mutation", phases=(Phase.explicit, Phase.generate), database=None, deadline=None
)


class Mutant(NamedTuple):
    """A mutant by its module, its place among that module's mutants, and its name."""

    module: str
    number: int
    name: str


def unknown(module: str) -> list[Mutant]:
    """Return the mutants of a module that are not known to change nothing."""
    names = operators.names((ROOT / "spfwhite" / module).read_text())
    known = KNOWN.get(module, {})
    if gone := known.keys() - names:
        sys.exit(f"equivalents.toml: {module} has no such mutant: {'; '.join(sorted(gone))}")
    return [Mutant(module, n, name) for n, name in enumerate(names) if name not in known]


def survives(mutant: Mutant) -> bool:
    """Put a mutant in its module's place in the working folder, a copy, and run its tests."""
    path = Path("spfwhite", mutant.module)
    path.write_text(operators.mutant((ROOT / path).read_text(), mutant.number))
    try:
        return passes(mutant.module)
    finally:
        shutil.copy2(ROOT / path, path)


def passes(module: str) -> bool:
    """Return whether the tests of a module pass in the working folder."""
    child = os.fork()
    if not child:
        os._exit(_test(module))
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what the tests left running
    return status == 0


def _test(module: str) -> int:
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (OCTETS, OCTETS))
    signal.alarm(PATIENCE)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    for name in list(sys.modules):
        if name.partition(".")[0] in ("spfwhite", "tests"):
            del sys.modules[name]  # they are to come from the copy
    sys.path.insert(0, str(Path.cwd()))
    files = [str(path) for each in TESTS[module] for path in sorted(Path("tests").glob(each))]
    seeded = ["--hypothesis-profile=mutation", "--hypothesis-seed=1"]
    plugins = ["-p", "no:cacheprovider", "-p", "no:xdist"]
    return int(pytest.main(["-x", "-q", "-m", "not slow", *plugins, *seeded, *files]))


def run(mutants: Sequence[Mutant], jobs: int) -> list[Mutant]:
    """Try mutants, and return those that survive."""
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder, "whole"), {mutant.module for mutant in mutants})
        fork = multiprocessing.get_context("fork")
        with fork.Pool(jobs, _enter_copy, [folder]) as pool:
            for mutant, survived in zip(mutants, pool.imap(survives, mutants), strict=True):
                if survived:
                    print(f"survived: {mutant.module}: {mutant.name}", flush=True)
                    survivors.append(mutant)
    return survivors


def _prepare(place: Path, modules: set[str]) -> None:
    """Copy the tree, and run the tests there without a mutant, which leaves their bytecode."""
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in ("spfwhite", "tests"):
        shutil.copytree(ROOT / name, place / name, symlinks=True, ignore=unwanted)
    for name in ("pyproject.toml", "providers.toml"):
        shutil.copy(ROOT / name, place)
    os.chdir(place)
    sys.dont_write_bytecode = False
    for module in sorted(modules):
        if not passes(module):
            sys.exit(f"the tests of {module} fail without a mutant: {' '.join(TESTS[module])}")
    sys.dont_write_bytecode = True  # a mutant's would outlive it


def _enter_copy(folder: str) -> None:
    """Make a copy of the copy the working folder of this process."""
    place = tempfile.mkdtemp(dir=folder)
    os.chdir(shutil.copytree(Path(folder, "whole"), place, symlinks=True, dirs_exist_ok=True))


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", choices=[*TESTS, []], default=[])
    parser.add_argument("--sample", type=int, metavar="N", help="try only N mutants")
    parser.add_argument("--seed", type=int, default=1, help="what the sample is chosen by")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    mutants = [mutant for module in given.modules or TESTS for mutant in unknown(module)]
    if given.sample:
        random.Random(given.seed).shuffle(mutants)
        mutants = mutants[: given.sample]
    survivors = Counter(mutant.module for mutant in run(mutants, given.jobs))
    for module, count in sorted(Counter(mutant.module for mutant in mutants).items()):
        print(f"{module}: {count} mutants, {survivors[module]} survived")
    return min(survivors.total(), 1)


if __name__ == "__main__":
    sys.exit(main())
