"""What is remembered from run to run: one JSON file, re-validated on load.

Owns: the form of the state and its file. Refuses: to decide what counts.
"""

# It holds the answers that may have to stand in for failed ones, what was accepted of each
# provider, which rules each table has and which of them Postfix has loaded, and the changes of 30
# days. A night without it is a night without limits, as there is nothing to compare with; so it is
# written whole or not at all, before the tables that it tells of, and is read as if a stranger had
# written it. A file that is corrupt, foreign, too large or from a newer spfwhite is a `StateError`:
# the run goes on without it and sets it aside.

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from spfwhite import files
from spfwhite.config import settings
from spfwhite.dns import answers
from spfwhite.errors import FileError, SnapshotError, StateError
from spfwhite.networks import Networks
from spfwhite.plan.past import Accepted, Change
from spfwhite.sources.memory import Remembered
from spfwhite.spf.result import Contribution
from spfwhite.wording import DAY

FORMAT: Final = "spfwhite-state"
VERSION: Final = 2
JOURNAL_DAYS: Final = 30

LAST_TIME: Final = 253_402_300_799  # of the year 9999, with which Python's calendar ends


class TableState(NamedTuple):
    """Digests of the rules of a table: those written, and those that Postfix has loaded."""

    written: str
    loaded: str = ""


class Told(NamedTuple):
    """A trouble that was said: its kind, a digest of what it is about, since when, and when."""

    kind: str
    about: str
    since: float
    said: float


class State(NamedTuple):
    """The whole state; times in seconds since the epoch."""

    written: float = 0.0  # when it was
    asked: float = 0.0  # when the network was last asked for all providers
    known: Mapping[answers.Question, Remembered] = {}
    accepted: Mapping[str, Accepted] = {}  # by provider
    tables: Mapping[str, TableState] = {}  # by path
    journal: tuple[Change, ...] = ()
    told: Mapping[str, Told] = {}  # troubles that last, by what is in trouble (report/news.py)


def load(place: settings.State) -> State | None:
    """Return the state, or None if there is none; raises StateError and FileError."""
    with suppress(OSError):  # which reading will meet again
        if excess := _excess(place, place.path.stat().st_size):
            raise StateError(f"has {excess}")
    content = files.read_if_there(place.path)
    return None if content is None else parse(content)


def save(place: settings.State, state: State) -> None:
    """Write the state atomically; raises FileError, also where no run would read it again."""
    content = dump(state)
    if excess := _excess(place, len(content)):
        raise FileError(f"cannot write {place.path}: the state would have {excess}")
    files.replace(place.path, content)


def _excess(place: settings.State, octets: int) -> str:
    said = f"{-(-octets >> 20):,} MiB, over the {place.max_mib:,} of state.max_mib"
    return said if octets > place.max_mib << 20 else ""


def dump(state: State) -> bytes:
    """Return the state as JSON."""
    # Thousands of providers lead to the same terms, so each is written once, and named by number.
    terms = {id(origin): origin for entry in state.accepted.values() for origin in entry.origins}
    numbers = {term: number for number, term in enumerate(terms)}
    data = {
        "format": FORMAT,
        "version": VERSION,
        "written": state.written,
        "asked": state.asked,
        "known": {
            f"{question.name} {question.rrtype}": _remembered_json(remembered)
            for question, remembered in sorted(state.known.items())
        },
        "terms": [[term.domain, term.term, term.networks.texts()] for term in terms.values()],
        "accepted": {name: _accepted_json(each, numbers) for name, each in state.accepted.items()},
        "tables": {path: table._asdict() for path, table in state.tables.items()},
        "journal": [
            {**change._asdict(), "added": change.added.texts(), "removed": change.removed.texts()}
            for change in state.journal
        ],
        "told": state.told,
    }
    return json.dumps(data).encode() + b"\n"  # indent would take the slow encoder


def recent(journal: tuple[Change, ...], now: float) -> tuple[Change, ...]:
    """Return the changes of the last 30 days."""
    return tuple(change for change in journal if now - change.when <= JOURNAL_DAYS * DAY)


def _remembered_json(remembered: Remembered) -> dict[str, Any]:
    data = {**answers.answer_to_json(remembered.answer), "seen": remembered.seen}
    if remembered.values:
        data["values"] = dict(remembered.values)
    if any(remembered.validators):
        data["validators"] = list(remembered.validators)
    return data


def _accepted_json(entry: Accepted, numbers: Mapping[int, int]) -> dict[str, Any]:
    data = {key: getattr(entry, key) for key in ("digest", "since", "held", "lost", "partial")}
    data["terms"] = [numbers[id(origin)] for origin in entry.origins]
    more = {key: getattr(entry, key).texts() for key in ("lapsed", "static")}
    return data | {key: networks for key, networks in more.items() if networks}


def parse(content: bytes) -> State:
    """Return the state that `dump` made; raises StateError on anything else, whatever it is."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise StateError("is not JSON") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise StateError("is not a state of spfwhite")
    if (version := data.get("version")) != VERSION:
        newer = ", by a newer spfwhite" if isinstance(version, int) and version > VERSION else ""
        raise StateError(f"is of version {str(version)[:20]!a}, not {VERSION}{newer}")
    try:
        return _state(data)
    except SnapshotError as error:
        raise StateError(str(error)) from None
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise StateError(f"has a bad entry ({type(error).__name__})") from None


def _state(data: dict[str, Any]) -> State:
    terms = {
        number: Contribution(_text(domain), _text(term), _networks(texts))
        for number, (domain, term, texts) in enumerate(data["terms"])
    }
    return State(
        written=_time(data["written"]),
        asked=_time(data["asked"]),
        known={
            answers.question_from_text(_text(key)): _remembered(key, value)
            for key, value in data["known"].items()
        },
        accepted={_text(name): _accepted(value, terms) for name, value in data["accepted"].items()},
        tables={
            _path(path): TableState(_text(table["written"]), _text(table["loaded"]))
            for path, table in data["tables"].items()
        },
        journal=tuple(_change(value) for value in data["journal"]),
        told={
            _text(subject): Told(_text(kind), _text(about), _time(since), _time(said))
            for subject, (kind, about, since, said) in data.get("told", {}).items()
        },
    )


def _remembered(key: str, data: dict[str, Any]) -> Remembered:
    kinds = {kind: data[kind] for kind in ("found", "left_out", "void", "failed") if kind in data}
    answer = answers.answer_from_json(key, kinds)
    _text(kinds.get("failed", ""))
    values = {_text(value): _time(seen) for value, seen in data.get("values", {}).items()}
    if values:
        answers.answer_from_json(key, {"found": list(values)})
        if key.rpartition(" ")[2] not in answers.ROTATING or isinstance(answer, answers.Failed):
            raise StateError(f"has rotating values for {key[:80]!a}")
    etag, modified = data.get("validators", ("", ""))
    return Remembered(answer, _time(data["seen"]), values, (_text(etag), _text(modified)))


def _accepted(data: dict[str, Any], terms: Mapping[int, Contribution]) -> Accepted:
    held = data["held"]
    return Accepted(
        digest=_text(data["digest"]),
        since=_time(data["since"]),
        origins=tuple(terms[number] for number in data["terms"]),
        held=None if held is None else _time(held),
        lost=_text(data["lost"]),
        partial=data["partial"] is True,
        lapsed=_networks(data.get("lapsed", [])),
        static=_networks(data.get("static", [])),
    )


def _change(data: dict[str, Any]) -> Change:
    added, removed = _networks(data["added"]), _networks(data["removed"])
    return Change(_time(data["when"]), _text(data["provider"]), added, removed)


def _networks(texts: list[Any]) -> Networks:
    return Networks.parse([_text(text) for text in texts])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    value.encode()  # a surrogate could not be written again
    return value


def _path(value: str) -> str:
    if "\0" in value:
        raise ValueError(value)
    return value  # which may hold undecodable octets (surrogateescape): only NUL is impossible


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LAST_TIME:
        raise ValueError(value)
    return float(value)
