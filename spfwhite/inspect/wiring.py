"""Whether postscreen uses the tables: what its parameters make of them.

Owns: the rules of postscreen_access_list and of the parameters that depend on it (postconf(5),
POSTSCREEN_README). Refuses: to run Postfix's programs; it is given what they said.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from spfwhite.inspect.finding import Finding, Findings, Level
from spfwhite.inspect.parameters import DNSBL_SITES, ENDS, Postscreen
from spfwhite.tables.access_list import LIST, Entry, words
from spfwhite.wording import clipped

MYNETWORKS: Final = "permit_mynetworks"
# The words of the list that are an answer for every client, so that nothing after them counts.
ANSWERS: Final = ("permit", "reject", "dunno")

# The tests after the 220 greeting, which end in a 450 for a client that is not listed.
DEEP_TESTS: Final = (
    "postscreen_pipelining_enable",
    "postscreen_non_smtp_command_enable",
    "postscreen_bare_newline_enable",
)

REJECT_ACTION: Final = "postscreen_denylist_action"
REFUSING: Final = ("enforce", "drop")
ALLOW_THRESHOLD: Final = "postscreen_dnsbl_allowlist_threshold"

# Sites whose owners closed their list; several of the names list every address since.
CLOSED_SITES: Final = re.compile(
    r"(?:.*\.)?(?:(?:ahbl|dsbl|emailbasura|njabl|ordb|rfc-ignorant|spamcannibal)\.org"
    r"|(?:ix\.dnsbl\.manitu|megarbl|sorbs)\.net|db\.wpbl\.info|dnsbl\.inps\.de|dul\.ru"
    r"|virbl\.bit\.nl)(?:[=*].*)?",
    re.IGNORECASE,
)

# What greylisting is among smtpd's restrictions and milters: its name, or its usual port.
GREYLISTING: Final = re.compile(
    r"gr[ea]ylist|postgrey|sqlgrey|inet:[^\s,]*:(?:10023|2501|60000)\b", re.IGNORECASE
)

SMTPD_CHECKS: Final = re.compile("smtpd_(?:[a-z_]+_restrictions|milters)")

# Where to read on, for whoever changes a finding here:
# - postscreen_access_list: postconf(5) of that name, and "Quick tests before everything else" in
#   POSTSCREEN_README. The list comes before all tests: a client on it is not tested at all.
# - postscreen_denylist_action: postconf(5); "ignore" is the default, so a reject table alone does
#   nothing but log.
# - DEEP_TESTS: "Tests after the 220 SMTP server greeting" in POSTSCREEN_README.
# - DNSBL_SITES and ALLOW_THRESHOLD: postconf(5); a site with a negative weight is an allow list,
#   and spares clients the tests only below the threshold.

# What is found of the list: how bad it is, what is the matter, what to do.
Said = Iterator[tuple[Level, str, str]]


class Tables(NamedTuple):
    """Our tables, without symlinks; `reject` None if there is none and none is configured."""

    allow: Path
    reject: Path | None = None


def wiring_findings(postscreen: Postscreen, tables: Tables) -> Findings:
    """Yield what the parameters of a postscreen make of the tables; raises OSError."""
    entries, texts = postscreen.entries(), postscreen.texts(LIST)
    allow, reject = _place(entries, tables.allow), _place(entries, tables.reject)
    mended = _mended(texts, entries, tables)
    # one command mends all that is wrong with the list
    command = postscreen.set(LIST, *mended) if mended != texts else ""
    said = (_named(entries, tables), _ordered(entries, allow, reject), _ended(postscreen, tables))
    for level, text, advice in chain(*said):
        yield Finding(level, postscreen.subject(LIST), text, advice, command * (level != "ok"))
    if reject is not None:
        yield from _reject_action(postscreen)
    spares = any(re.search(r"\*-[0-9]+\Z", site) for site in words(postscreen.value(DNSBL_SITES)))
    yield from _deep_tests(postscreen, is_listed=allow is not None, command=command, spares=spares)
    yield from _dnsbl(postscreen, spares=spares)


def _mended(texts: Sequence[str], entries: Sequence[Entry], tables: Tables) -> list[str]:
    """Return the list, written as `texts`, with our tables and without what stops postscreen."""
    ours = {path: f"cidr:{path}" for path in (tables.allow, tables.reject) if path}
    kept: list[str | Path] = []
    for i, (text, each) in enumerate(zip(texts, entries, strict=True)):
        # an entry without a kind is a word: of smtpd, or part of a comment, or an answer for all
        argument = i > 0 and re.match("check_[a-z_]+_access$", entries[i - 1].text, re.IGNORECASE)
        unproxied = each.ends and each.text.startswith("proxy:")
        if unproxied:
            text = (text if text.startswith("proxy:") else each.text).removeprefix("proxy:")
        if each.path in ours and each.path not in kept:
            ours[each.path] = text if each.kind == "cidr" else ours[each.path]
            kept.append(each.path)
        elif each.path not in ours and each.kind and not argument and not _answer(each):
            kept += [text] if unproxied or not each.fault else []
    # behind tables of the host's own, whose word goes on to count first
    at = max((i + 1 for i, each in enumerate(kept) if each in ours), default=len(kept))
    kept[at:at] = [path for path in ours if path not in kept]
    right = iter(ours.values())
    return [MYNETWORKS, *(next(right) if isinstance(each, Path) else each for each in kept)]


def _answer(entry: Entry) -> str:
    """Return the word that an entry answers for every client; empty if it answers for some."""
    text = entry.text.lower()
    word = text.removeprefix("static:")
    return word if word in ANSWERS and text != "static:dunno" else ""


def _place(entries: Sequence[Entry], path: Path | None) -> int | None:
    places = (i for i, entry in enumerate(entries) if entry.path == path and entry.kind == "cidr")
    return next(places, None) if path else None


def _named(entries: Sequence[Entry], tables: Tables) -> Said:
    places = {tables.allow: "at its end", tables.reject: "after the allow table"}
    for path, place in places.items():
        wrong = next((e for e in entries if e.path == path and e.kind != "cidr"), None)
        if _place(entries, path) is not None:
            yield "ok", f"names {path}", ""
        elif path and wrong:
            yield "error", f"names {clipped(wrong.text)}", f"write cidr:{path}"
        elif path:
            yield "error", f"does not name {path}", f"add cidr:{path}, {place}"


def _ordered(entries: Sequence[Entry], allow: int | None, reject: int | None) -> Said:
    # postscreen_access_list is searched in the order that is specified and stops at the first
    # match (postconf(5)), so the order decides whose word counts
    ours = [place for place in (allow, reject) if place is not None]
    own = [i for i, entry in enumerate(entries) if entry.text.lower() == MYNETWORKS]
    if ours and (not own or own[0] > min(ours)):
        what = "does not come before the tables" if own else "is missing"
        text = f"{MYNETWORKS} {what}, so own clients are not let through first"
        yield "warning", text, f"put {MYNETWORKS} at its head"
    if allow is not None and reject is not None and reject < allow:
        text = "names the reject table before the allow table, so a network on both is refused"
        yield "warning", text, "put the reject table after the allow table"


def _ended(postscreen: Postscreen, tables: Tables) -> Said:
    """Yield where postscreen itself ends, or ends its search of the list; raises OSError."""
    # a table that cannot be opened ends the search there, and so does a word that postscreen does
    # not know; `permit` and `reject` are an answer for every client
    entries, ours = postscreen.entries(), {tables.allow, tables.reject} - {None}
    for each in entries:
        if each.ends:
            text = f"names {clipped(each.text)}, which {each.fault}, {ENDS}"
            yield "error", text, "write a table that it can open, or take it out of the list"
    for i, each in enumerate(entries):
        word, name = _answer(each), clipped(each.text)
        hides = any(later.path in ours for later in entries[i + 1 :])
        level: Level = "error" if hides else "warning"
        lost = "a table of spfwhite too" if hides else "which is no table of spfwhite"
        if each.fault and not each.ends and each.path not in ours:
            text = f"{name} {each.fault}; postscreen ignores all after it, {lost}"
            yield level, text, "make that table, or take it out of the list"
        elif not each.kind and not each.fault and not word and each.text.lower() != MYNETWORKS:
            text = f"{name} is no word of postscreen; it ignores all after it, {lost}"
            yield level, text, "take it out: comments and words of smtpd do not belong there"
            return
        elif word:
            yield from _answered(postscreen, word, name, hides=hides)
            return


def _answered(postscreen: Postscreen, word: str, name: str, *, hides: bool) -> Said:
    if hides:
        yield "error", f"ends at {name}, before a table of spfwhite", "take it out"
    elif word == "permit":
        yield "warning", f"ends with {name}, so postscreen tests nobody", "take it out"
    elif word == "reject" and postscreen.value(REJECT_ACTION).lower() in REFUSING:
        yield "error", f"ends with {name}, so all other clients are refused", "take it out"


def _reject_action(postscreen: Postscreen) -> Findings:
    """Yield whether a reject table refuses anybody; by default postscreen only logs."""
    name, action = postscreen.either(REJECT_ACTION), postscreen.value(REJECT_ACTION)
    subject = postscreen.subject(name)
    if action.lower() == "ignore":
        text = "is ignore, so the clients of the reject table still get in"
        command = postscreen.set(name, "enforce")
        yield Finding("warning", subject, text, "set it to enforce (or drop)", command)
    elif action.lower() in REFUSING:
        yield Finding("ok", subject, f"is {clipped(action)}")


def _deep_tests(postscreen: Postscreen, *, is_listed: bool, command: str, spares: bool) -> Findings:
    """Yield whether the deep tests defer large senders for ever, or everybody twice."""
    # postscreen cannot hand over a client that passes them, so it answers 450; the next try of a
    # large sender comes from another address (POSTSCREEN_README, tests after the 220 greeting).
    # `command` adds the allow table to the list unless it `is_listed`; allow lists in DNS may spare
    # clients the tests.
    tests = [name for name in DEEP_TESTS if postscreen.value(name).lower() == "yes"]
    of_smtpd = (name for name in postscreen.values if SMTPD_CHECKS.fullmatch(name))
    greylisting = GREYLISTING.search(" ".join(map(postscreen.value, of_smtpd)))
    for name in tests:
        if not is_listed:
            text = "is on without the allow table, so senders of many addresses get 450 for ever"
            advice = f"add the allow table to {LIST}, or set it to no"
            yield Finding("warning", postscreen.subject(name), text, advice, command)
        if greylisting:
            text = f"is on before greylisting ({clipped(greylisting[0])}), which delays mail twice"
            advice = "set it to no, or do without greylisting"
            off = postscreen.set(name, "no")
            yield Finding("warning", postscreen.subject(name), text, advice, off)
    if tests and is_listed and not spares:
        text = f"could spare other senders the tests after the greeting, too; {DNSBL_SITES} "
        text += "has no allow list"
        advice = "consider a site with a negative weight, such as list.dnswl.org*-2"
        yield Finding("note", postscreen.either(ALLOW_THRESHOLD), text, advice)


def _dnsbl(postscreen: Postscreen, *, spares: bool) -> Findings:
    """Yield which lists in DNS are closed, and whether allow lists spare a client the tests."""
    texts = postscreen.texts(DNSBL_SITES)
    closed = [text for text in texts if CLOSED_SITES.fullmatch(text)]
    if closed:
        named = clipped(", ".join(closed))
        text = f"names {named}, which was closed: it lists nobody, or everybody"
        command = postscreen.set(DNSBL_SITES, *(text for text in texts if text not in closed))
        yield Finding("warning", postscreen.subject(DNSBL_SITES), text, "take it out", command)
    name, value = postscreen.either(ALLOW_THRESHOLD), postscreen.value(ALLOW_THRESHOLD)
    subject, is_set = postscreen.subject(name), value.startswith("-")
    if value and not re.fullmatch("[-+]?[0-9]+", value):
        return
    if spares and not is_set:
        weights = f"the negative weights of {DNSBL_SITES}"
        text = f"is {value or 'not set'}, so {weights} spare no client the tests"
        yield Finding("note", subject, text, "set it to -1", postscreen.set(name, "-1"))
    elif is_set and not spares:
        text = f"is {clipped(value)}, but no site of {DNSBL_SITES} has a negative weight"
        advice = "add such a site, or leave it out"
        yield Finding("note", subject, text, advice, postscreen.unset(name))
    elif is_set:
        yield Finding("ok", subject, f"is {clipped(value)}, and complements the table")
