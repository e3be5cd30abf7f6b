"""What master.cf makes of postscreen: whether it runs, where, and with the help of whom.

Owns: the lines of master.cf that postscreen needs (master(5), POSTSCREEN_README). Refuses: to run
Postfix's programs; it is given what they said.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from spfwhite.inspect.finding import Finding, Findings, Level
from spfwhite.inspect.parameters import DNSBL_SITES, ENDS, Postscreen
from spfwhite.wording import clipped

# Lines of master.cf, each as its fields (master(5)): the process limit is the seventh.
Services = Sequence[Sequence[str]]

# What is found: how bad it is, what is the matter, what to do, and what postconf takes for it.
Said = Iterator[tuple[Level, str, str, tuple[str, ...]]]

# by the part that names it in NAME_service_name: the type, the process limit, what comes of it if
# there is none; without the last two postscreen goes on, and says so in the log only
HELPERS: Final[Mapping[str, tuple[str, str, Level, str]]] = {
    "smtpd": ("pass", "-", "error", "to hand clients to"),
    "dnsblog": ("unix", "0", "warning", f"so nobody is looked up in {DNSBL_SITES}"),
    "tlsproxy": ("unix", "0", "warning", "so no client that postscreen tests can use TLS"),
}


def postscreens(services: Services) -> list[str]:
    """Return the postscreens that clients reach, as postconf(1) names them."""
    return [name for name, fields in _in_effect(services).items() if _runs(fields, "postscreen")]


def service_findings(services: Services, running: Sequence[Postscreen]) -> Findings:
    """Yield whether postscreen runs, and what of master.cf keeps it from its work.

    `running` are the postscreens, or what one would be if there is none.
    """
    postfix, in_effect = running[0].postfix, _in_effect(services)
    names, found = postscreens(services), [*_twice(services)]
    if names:
        found += [*_limits(in_effect, running), *_missing_helpers(in_effect, running)]
    elif not found:
        text = "has no postscreen, so no table has an effect"
        advice = "put its postscreen line in the place of `smtp inet ... smtpd` (POSTSCREEN_README)"
        found.append(("warning", text, advice, _switch_on(services)))
    for level, text, advice, arguments in found:
        command = postfix.command(*arguments) if arguments else ""
        yield Finding(level, "master.cf", text, advice, command)
    if names and not found:
        yield Finding("ok", "master.cf", f"has postscreen as {clipped(', '.join(names))}")


def _name(fields: Sequence[str]) -> str:
    return f"{fields[0]}/{fields[1]}"


def _in_effect(services: Services) -> dict[str, Sequence[str]]:
    """Return the lines that count: of two for one service the last (master(8) warns of it)."""
    return {_name(fields): fields for fields in services if len(fields) > 7}


def _runs(fields: Sequence[str], program: str) -> bool:
    return len(fields) > 7 and fields[1] == "inet" and fields[7].split()[0] == program


def _line(*fields: str) -> str:
    return f"{_name(fields)}={' '.join(fields)}"


def _helper(name: str, helper: str, chroot: str, command: str = "") -> str:
    kind, limit, *_ = HELPERS[helper]
    return _line(name, kind, "-", "-", chroot, "-", limit, command or helper)


def _twice(services: Services) -> Said:
    """Yield that a service has several lines, one of them with postscreen."""
    for name in postscreens([fields for fields in services if _runs(fields, "postscreen")]):
        lines = [fields for fields in services if _name(fields) == name]
        ours = [fields for fields in lines if _runs(fields, "postscreen")][-1]
        if len(lines) > 1:
            level: Level = "warning" if lines[-1] is ours else "error"
            lost = "" if lines[-1] is ours else ", and is not postscreen: no table has an effect"
            text = f"has {len(lines)} lines for {clipped(name)}; the last one counts{lost}"
            yield level, text, "keep the one with postscreen", ("-M", _line(*ours))


def _limits(in_effect: Mapping[str, Sequence[str]], running: Sequence[Postscreen]) -> Said:
    default = running[0].values.get("default_process_limit", "")
    for name in (each.service for each in running):
        if in_effect[name][6].replace("-", default) != "1":
            text = f"gives postscreen at {clipped(name)} a process limit other than 1, {ENDS}"
            yield "error", text, "set it to 1", ("-F", f"{name}/process_limit=1")


def _missing_helpers(in_effect: Mapping[str, Sequence[str]], running: Sequence[Postscreen]) -> Said:
    for each in running:
        for helper, (kind, _, level, comes) in HELPERS.items():
            name = each.values.get(f"{helper}_service_name", helper)
            if f"{name}/{kind}" not in in_effect and _needs(each.values, helper):
                text = f"has postscreen, but no `{clipped(name)} {kind}`, {comes}"
                advice = f"take its `{clipped(name)} {kind} ... {helper}` line into use"
                arguments = "-M", _helper(name, helper, in_effect[each.service][4])
                yield level, text, advice, arguments


def _needs(values: Mapping[str, str], helper: str) -> bool:
    if helper == "tlsproxy":
        level = values.get("postscreen_tls_security_level", "").lower()
        return level not in ("", "none") or values.get("postscreen_use_tls", "").lower() == "yes"
    return helper != "dnsblog" or bool(values.get(DNSBL_SITES))


def _switch_on(services: Services) -> tuple[str, ...]:
    """Return how postscreen comes before the smtpd of port 25; empty if there is none."""
    for fields in reversed(services):
        if _runs(fields, "smtpd") and fields[0].rpartition(":")[2] in ("smtp", "25"):
            helpers = (_helper(name, name, fields[4]) for name in ("dnsblog", "tlsproxy"))
            smtpd = _helper("smtpd", "smtpd", fields[4], fields[7])
            return "-M", _line(*fields[:6], "1", "postscreen"), smtpd, *helpers
    return ()
