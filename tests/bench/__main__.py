"""The one command: `python -m tests.bench [--quick] [--servers] [--rounds N] [--out FILE]`.

Owns: the options and the order of things. Progress goes to standard error, results to standard
output and, with `--out`, to a file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench import isolation, rivals, servers, servers_table
from tests.bench.prepare import DEFAULT, TEN_THOUSAND, THOUSAND, WHOLE, World, prepare
from tests.bench.rivals import Rival
from tests.bench.runs import Row, rows
from tests.bench.starting import imports, starts
from tests.bench.table import report
from tests.bench.timing import timings


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: worlds by name, delays in ms, rounds, networks of the set algebra.

    The largest world gets `few` rounds.
    """

    worlds: tuple[str, ...]
    delays: tuple[int, ...]
    rounds: int
    few: int
    networks: int


FULL = Scale((DEFAULT, WHOLE, THOUSAND, TEN_THOUSAND), (0, 20, 100), 7, 3, 1_000_000)
QUICK = Scale((DEFAULT, WHOLE, THOUSAND), (0, 20), 3, 3, 20_000)
SERVER_ROUNDS = 3
STARTS = 4
"""Starts in a round: they are short, so more of them make up for the noise."""


def main() -> None:
    """Measure, print, write."""
    options = _options()
    if not options.isolated:
        isolation.enter(sys.argv[1:])
    scale = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        can_redirect = options.isolated and isolation.furnish(folder)
        found = rivals.installed(options.tools.absolute()) if can_redirect else []
        texts = [] if options.servers else [_results(scale, found, folder)]
        rounds = options.rounds or SERVER_ROUNDS
        rows = servers.measured(folder, found, scale.delays, rounds) if can_redirect else []
        texts.append(servers_table.report(rows, rounds=rounds, gaps=servers.left_out()))
        text = "\n".join(texts)
    sys.stdout.write(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small worlds, few rounds")
    parser.add_argument("--servers", action="store_true", help="only on real name servers")
    parser.add_argument("--rounds", type=int, metavar="N", help="on real name servers (default: 3)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument(
        "--tools",
        type=Path,
        metavar="FOLDER",
        default=Path("bench-tools"),
        help="where rivals were unpacked (default: %(default)s)",
    )
    parser.add_argument("--isolated", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _results(scale: Scale, found: list[Rival], folder: Path) -> str:
    lines, measured = [], list[Row]()
    for number, name in enumerate(scale.worlds):
        _say(f"\n{name}: making it")
        world = prepare(name, folder / str(number))
        lines.append(_about(world))
        for delay in scale.delays:
            _say(f"\n{name}, {delay} ms ")
            # slow ones take minutes for the default list alone
            taking_part = [each for each in found if name == DEFAULT or not each.is_slow]
            rounds = scale.few if name == TEN_THOUSAND else scale.rounds
            measured += rows(world, delay, rounds, taking_part)
    _say("\nstarts, imports, sets\n")
    return report(
        lines,
        measured,
        starts(scale.rounds * STARTS),
        imports(world),
        timings(scale.networks),
        rounds=scale.rounds,
        networks=scale.networks,
        missing=[name for name in rivals.NAMES if name not in {each.name for each in found}],
    )


def _about(world: World) -> str:
    return (
        f"{world.name}: {world.domains:,} domains, {world.questions:,} questions, "
        f"longest chain {world.chain}"
    )


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    main()
