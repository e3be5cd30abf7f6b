"""Whether postscreen uses the tables: what main.cf and master.cf make of them.

Owns: the rules of postscreen_access_list and of the parameters that depend on it (postconf(5),
POSTSCREEN_README). Refuses: to run Postfix's programs; it is given what they said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spfwhite.inspect.finding import Finding, Findings
from spfwhite.tables.access_list import LIST, Entry, words
from spfwhite.wording import clipped

MYNETWORKS: Final = "permit_mynetworks"
DNSBL_SITES: Final = "postscreen_dnsbl_sites"
DEEP_TESTS: Final = (
    "postscreen_pipelining_enable",
    "postscreen_non_smtp_command_enable",
    "postscreen_bare_newline_enable",
)
"""The tests after the 220 greeting, which end in a 450 for a client that is not listed."""

REJECT_ACTIONS: Final = ("postscreen_denylist_action", "postscreen_blacklist_action")
ALLOW_THRESHOLDS: Final = (
    "postscreen_dnsbl_allowlist_threshold",
    "postscreen_dnsbl_whitelist_threshold",
)
"""Parameters by their names since Postfix 3.6 and before."""

PARAMETERS: Final = (LIST, DNSBL_SITES, *DEEP_TESTS, *REJECT_ACTIONS, *ALLOW_THRESHOLDS)

# Where to read on, for whoever changes a finding here:
# - postscreen_access_list: postconf(5) of that name, and "Quick tests before everything else" in
#   POSTSCREEN_README. The list comes before all tests: a client on it is not tested at all.
# - postscreen_denylist_action: postconf(5); "ignore" is the default, so a reject table alone does
#   nothing but log.
# - DEEP_TESTS: "Tests after the 220 SMTP server greeting" in POSTSCREEN_README.
# - DNSBL_SITES and ALLOW_THRESHOLDS: postconf(5); a site with a negative weight is an allow list,
#   and spares clients the tests only below the threshold.
# - master.cf: master(5), and "Turning on postscreen(8) without blocking mail" in POSTSCREEN_README.

Services = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Tables:
    """Our tables, without symlinks; `reject` None if there is none and none is configured."""

    allow: Path
    reject: Path | None = None


def service(services: Services) -> str | None:
    """Return the name of the first postscreen in master.cf as `postconf -P` writes it."""
    for fields in services:
        if len(fields) > 7 and fields[1] == "inet" and fields[7].split()[0] == "postscreen":
            return f"{fields[0]}/inet"
    return None


def master_findings(services: Services) -> Findings:
    """Yield whether postscreen runs, and has somebody to hand clients to."""
    name = service(services)
    if not name:
        text = "has no postscreen, so no table has an effect"
        advice = "put its postscreen line in the place of `smtp inet ... smtpd` (POSTSCREEN_README)"
        yield Finding("warning", "master.cf", text, advice)
    elif not any(fields[:2] == ["smtpd", "pass"] for fields in map(list, services)):
        text = f"has postscreen as {clipped(name)}, but no `smtpd pass` to hand clients to"
        yield Finding("error", "master.cf", text, "take its `smtpd pass ... smtpd` line into use")
    else:
        yield Finding("ok", "master.cf", f"has postscreen as {clipped(name)}")


def wiring_findings(
    parameters: Mapping[str, str], entries: Sequence[Entry], tables: Tables
) -> Findings:
    """Yield what postscreen's parameters make of the tables."""
    yield from _named(entries, tables)
    yield from _ordered(entries, tables)
    yield from _hidden(entries, tables)
    yield from _reject_action(parameters, entries, tables)
    yield from _deep_tests(parameters, entries, tables.allow)
    yield from _dnsbl(parameters)


def _place(entries: Sequence[Entry], path: Path | None) -> int | None:
    """Return where a table stands in the list."""
    places = (i for i, entry in enumerate(entries) if entry.path == path and entry.kind == "cidr")
    return next(places, None) if path else None


def _named(entries: Sequence[Entry], tables: Tables) -> Findings:
    """Yield whether the list names the tables, and as what."""
    places = {tables.allow: "after permit_mynetworks", tables.reject: "after the allow table"}
    for path, place in places.items():
        wrong = next((e for e in entries if e.path == path and e.kind != "cidr"), None)
        if _place(entries, path) is not None:
            yield Finding("ok", LIST, f"names {path}")
        elif path and wrong:
            yield Finding("error", LIST, f"names {clipped(wrong.text)}", f"write cidr:{path}")
        elif path:
            yield Finding("error", LIST, f"does not name {path}", f"add cidr:{path}, {place}")


def _ordered(entries: Sequence[Entry], tables: Tables) -> Findings:
    """Yield what stands in the wrong order."""
    # postscreen_access_list is searched in the order that is specified and stops at the first
    # match (postconf(5)), so the order decides whose word counts
    allow, reject = _place(entries, tables.allow), _place(entries, tables.reject)
    ours = [place for place in (allow, reject) if place is not None]
    own = [i for i, entry in enumerate(entries) if entry.text.lower() == MYNETWORKS]
    if ours and (not own or own[0] > min(ours)):
        what = "does not come before the tables" if own else "is missing"
        text = f"{MYNETWORKS} {what}, so own clients are not let through first"
        yield Finding("warning", LIST, text, f"put {MYNETWORKS} at its head")
    if allow is not None and reject is not None and reject < allow:
        text = "names the reject table before the allow table, so a network on both is refused"
        yield Finding("warning", LIST, text, "put the reject table after the allow table")


def _hidden(entries: Sequence[Entry], tables: Tables) -> Findings:
    """Yield what makes postscreen ignore the rest of the list."""
    # a table that cannot be opened ends the search there; so do `permit` and `reject`, which are an
    # answer for every client (postscreen_access_list in postconf(5))
    ours = {tables.allow, tables.reject}
    for i, entry in enumerate(entries):
        hides = any(later.path in ours for later in entries[i + 1 :] if later.path)
        if entry.missing and entry.path not in ours:
            lost = "a table of ours too" if hides else "which is nothing of ours"
            text = f"{clipped(entry.text)} is missing; postscreen ignores all after it, {lost}"
            advice = "make that table, or take it out of the list"
            yield Finding("error" if hides else "warning", LIST, text, advice)
        elif hides and ":" not in entry.text and entry.text.lower() != MYNETWORKS:
            text = f"ends at {clipped(entry.text)}, before a table of ours"
            yield Finding("error", LIST, text, "move that word to the end of the list")


def _reject_action(
    parameters: Mapping[str, str], entries: Sequence[Entry], tables: Tables
) -> Findings:
    """Yield whether a reject table refuses anybody; by default postscreen only logs."""
    name, action = _either(parameters, REJECT_ACTIONS)
    if name in parameters and action.lower() not in ("ignore", "enforce", "drop"):
        yield _fatal(name, action, "ignore, enforce or drop")
    elif _place(entries, tables.reject) is None:
        return
    elif action.lower() == "ignore":
        text = "is ignore, so the clients of the reject table still get in"
        yield Finding("warning", name, text, f"set {name} = enforce (or drop)")
    else:
        yield Finding("ok", name, f"is {clipped(action)}")


def _fatal(name: str, value: str, wanted: str) -> Finding:
    """Return that postscreen ends at a value, of which a comment behind it is a part."""
    text = f"is {clipped(value) or 'empty'}, at which postscreen ends, so no mail comes in"
    advice = f"set it to {wanted}, and nothing behind it: a comment needs a line of its own"
    return Finding("error", name, text, advice)


def _deep_tests(parameters: Mapping[str, str], entries: Sequence[Entry], allow: Path) -> Findings:
    """Yield whether the deep tests defer large senders for ever.

    postscreen cannot hand over a client that passes them, so it answers 450; the next try of a
    large sender comes from another address (POSTSCREEN_README, tests after the 220 greeting).
    """
    tests = [name for name in DEEP_TESTS if parameters.get(name, "").lower() == "yes"]
    if tests and _place(entries, allow) is None:
        text = "is on without the allow table, so senders of many addresses get 450 for ever"
        advice = f"add the allow table to {LIST}, or set it to no"
        yield from (Finding("warning", name, text, advice) for name in tests)
    elif tests and not _negative_sites(parameters):
        text = "could spare senders that the table lacks the deep tests; "
        text += f"{DNSBL_SITES} has no allow list"
        advice = "consider a site with a negative weight, such as list.dnswl.org*-2"
        yield Finding("note", _either(parameters, ALLOW_THRESHOLDS)[0], text, advice)


def _dnsbl(parameters: Mapping[str, str]) -> Findings:
    """Yield whether the allow lists in DNS spare a client the tests, as the table does."""
    name, value = _either(parameters, ALLOW_THRESHOLDS)
    is_set = value.startswith("-")
    if name in parameters and not re.fullmatch("-?[0-9]+", value):
        yield _fatal(name, value, "a number such as -1")
    elif _negative_sites(parameters) and not is_set:
        text = f"is not set, so the negative weights of {DNSBL_SITES} spare no client the tests"
        yield Finding("note", name, text, f"set {name} = -1")
    elif is_set and not _negative_sites(parameters):
        text = f"is {clipped(value)}, but no site of {DNSBL_SITES} has a negative weight"
        yield Finding("note", name, text, "add such a site, or leave it out")
    elif is_set:
        yield Finding("ok", name, f"is {clipped(value)}, and complements the table")


def _negative_sites(parameters: Mapping[str, str]) -> list[str]:
    sites = words(parameters.get(DNSBL_SITES, ""))
    return [site for site in sites if re.search(r"\*-[0-9]+\Z", site)]


def _either(parameters: Mapping[str, str], names: Sequence[str]) -> tuple[str, str]:
    """Return the first parameter that the installed Postfix knows, and its value."""
    known = [name for name in names if name in parameters] or [names[0]]
    return known[0], parameters.get(known[0], "")
