"""The health of the providers as one page of HTML: `providers --html`.

Owns: the page, which needs nothing but itself: no script to be read, no font, no picture. Refuses:
to judge, and to find words for a trouble: it gets the lines that the terminal has.
"""

# What comes from DNS or the configuration reaches the page through `_text` alone. The one script,
# which sorts the table, is named to the browser by its digest; it runs no other.

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from math import sqrt
from pathlib import Path
from typing import Final

from spfwhite.inspect.health import ORDER, Row
from spfwhite.plan.last_run import LastRun
from spfwhite.plan.rails import amounts
from spfwhite.report.text import changed, day
from spfwhite.wording import counts, printable, span

# The providers, each with the lines that say what is wrong with it.
Told = Sequence[tuple[Row, Sequence[str]]]

STYLE: Final = Path(__file__).with_suffix(".css").read_text("ascii")
SCRIPT: Final = Path(__file__).with_suffix(".js").read_text("ascii")

HEADS: Final = ("Provider", "Status", "On the list", "Only through it", "Changes of 30 days")


def page(run: LastRun, told: Told, facts: Iterable[str]) -> str:
    """Return the page of the providers as the last run left them; `facts` concern them all."""
    made, out = datetime.fromtimestamp(run.now, UTC), run.config.output.allow
    policy = f"script-src {_digest(SCRIPT)}; style-src {_digest(STYLE)}; base-uri 'none'"
    said = [(row, lines) for row, lines in told if lines]  # in a night without DNS nobody's
    troubles = [(row, lines) for row, lines in said if row.report.degraded]
    others = [(row, lines) for row, lines in said if not row.report.degraded]
    is_well = not any(row.report.degraded for row, _ in told)
    body = "\n".join(
        [
            f"<p>{_text(counts(run.plan.permitted))}, of {len(told)} providers.</p>",
            f'<p class="soft">{_text(str(out))}: by a run {span(run.now - run.state.written)} '
            f'before this page, which is of <span class="whole">{made:%F %H:%M} UTC</span>.</p>',
            *(f'<p class="soft">{_text(fact)}</p>' for fact in facts),
            *(_sections("What needs you", troubles) if troubles or is_well else ()),
            "<p>Nothing: no provider is in trouble.</p>" * is_well,
            *_table(sorted(told, key=lambda each: _place(each[0]))),
            *(_sections("These list nothing, or not all", others) if others else ()),
        ]
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy"
content="default-src 'none'; {policy}; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>spfwhite: {len(told)} providers</title><style>{STYLE}</style></head><body>
<h1>Who is on the list of postscreen</h1>
{body}
<script>{SCRIPT}</script></body></html>
"""


def _digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _text(text: str) -> str:
    return escape(printable(text))


def _place(row: Row) -> tuple[bool, int, int]:
    # trouble first, then by size, so that what lists nothing comes last
    networks = row.report.networks
    return not row.report.degraded, -networks.size(4), -networks.blocks64()


def _sections(title: str, told: Told) -> Iterator[str]:
    # what is wrong with each of these and what to do
    yield f'<h2>{title}</h2>\n<div class="grid">'
    for row, lines in told:
        name = _text(row.report.name)
        yield f'<section><h3 id="{name}">{name}: {row.report.status}</h3>'
        for line in lines:
            # commands stand out (not in what begins with the kind of a fault, and may be anybody's
            # text), and an option is not broken at its hyphens
            text = _text(line.strip())
            if not re.match(r"\S+: ", text):
                text = re.sub(r"(?<=: )spfwhite .*", r"<code>\g<0></code>", text)
            text = re.sub(r"--[a-z]+", r'<span class="whole">\g<0></span>', text)
            yield f"<p>{text}</p>"
        yield "</section>"
    yield "</div>"


def _table(told: Told) -> Iterator[str]:
    cells = "".join(f'<th scope="col" role="columnheader">{head}</th>' for head in HEADS)
    # the roles, since a narrow window shows no table and would take them away
    yield f"""<h2>All providers</h2>\n<table role="table">
<caption>A bar stands for IPv4 addresses: its length for the square root of how many are listed, or
the small ones could not be seen; its strong part for the share that no other provider lists.
</caption>
<thead role="rowgroup"><tr role="row">{cells}</tr></thead>\n<tbody role="rowgroup">"""
    most = max((row.report.networks.size(4) for row, _ in told), default=0) or 1
    yield from (_row(row, most, is_told=bool(lines)) for row, lines in told)
    yield "</tbody>\n</table>"


def _row(row: Row, most: int, *, is_told: bool) -> str:
    report, name = row.report, _text(row.report.name)
    link = f'<a href="#{name}">{report.status}</a>' if is_told else report.status
    parts = [f'<span class="bad">{link}</span>' if report.degraded else link]
    parts += [f"since {day(report.since)}"] if report.since else []
    parts += ["on the reject table"] if row.provider.action == "reject" else []
    parts += [f"until {row.provider.expires}"] if row.provider.expires else []
    status = " <br>".join(f'<span class="whole">{it}</span>' for it in parts)
    also = f'<br><span class="soft">also through: {_text(", ".join(row.also))}</span>'
    changes = "<br>".join(_text(changed(change)) for change in reversed(row.changes))
    cells = (
        (ORDER.index(report.status), status),
        (report.networks.size(4), (amounts(report.networks) or "nothing") + _bar(row, most)),
        (row.alone.size(4), (amounts(row.alone) or "nothing") + (also if row.also else "")),
        (row.changes[-1].when if row.changes else 0, changes or "none"),
    )
    texts = "".join(
        f'<td role="cell" data-key="{key}" data-head="{head}">{cell}</td>'
        for head, (key, cell) in zip(HEADS[1:], cells, strict=True)
    )
    head = f'<th scope="row" role="rowheader" data-key="{name}">{name}</th>'
    return f'<tr role="row">{head}{texts}</tr>'


def _bar(row: Row, most: int) -> str:
    # `most` addresses fill the column
    size = row.report.networks.size(4)
    length = 100 * sqrt(size / most)
    parts = (("all", length), ("alone", length * row.alone.size(4) / max(size, 1)))
    rects = (f'<rect class="{kind}" width="{part:.2f}%" height="100%"/>' for kind, part in parts)
    return f'<svg aria-hidden="true">{"".join(rects)}</svg>' if size else ""
