"""A picture of the table: the IPv4 space on a Hilbert curve, coloured by provider.

Owns: the SVG and the page around it; self-contained, with no script and nothing from elsewhere.
On a Hilbert curve each CIDR is a square or two squares side by side, so what is near in address is
near in the picture. Refuses: text that is not escaped for XML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from spfwhite.networks import Networks

SIDE: Final = 4096
"""Units of the picture's side; one unit squared is a /24."""

SMALLEST: Final = 8
"""Units of the smallest square that is drawn, that of a /18: an address would be invisible."""

ORDER: Final = 16
"""The curve visits 2^16 x 2^16 points, an address each."""

COLUMN: Final = 1500
"""Units that a column of the legend takes, to the right of the map."""

ROW: Final = 64
MARGIN: Final = 60

NOTES: Final = 7
"""Rows above the names in the legend."""

ROWS: Final = SIDE // ROW - NOTES
"""Names in a column: the legend is no taller than the map, which would shrink."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one provider contributes."""

    name: str
    networks: Networks


def svg(parts: Iterable[Part], added: Networks, removed: Networks, title: str) -> str:
    """Return the picture as an SVG document; changes are outlined, green came and red went."""
    ordered = sorted(parts, key=lambda part: (-part.networks.size(4), part.name))
    shown = [part for part in ordered if part.networks.v4]
    height = SIDE + 2 * MARGIN
    width = SIDE + 2 * MARGIN + max(1, -(-len(shown) // ROWS)) * COLUMN
    body = "\n".join(
        (
            *_grid(),
            *(line for i, part in enumerate(shown) for line in _part(part, _colour(i))),
            *_outlines(added, "#0a0"),
            *_outlines(removed, "#d00"),
            *_notes(ordered, added, removed, title),
            *_names(shown),
        )
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="-{MARGIN} -{MARGIN} {width} {height}" '
        f'font-family="sans-serif" role="img"><title>{escape(title)}</title>\n'
        f'<rect x="-{MARGIN}" y="-{MARGIN}" width="{width}" height="{height}" fill="#fff"/>\n'
        f"{body}\n</svg>\n"
    )


def html(picture: str, title: str) -> str:
    """Return a page that holds the picture and nothing else."""
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f"<style>body{{margin:0}}svg{{display:block;width:100%;max-height:100vh}}</style>\n{picture}</html>\n"
    )


def place(address: int) -> tuple[int, int]:
    """Return the point of an IPv4 address on the curve."""
    x = y = 0
    for level in range(ORDER):
        side = 1 << level
        quarter = address >> (2 * level) & 3
        right, down = quarter >> 1, (quarter & 1) ^ (quarter >> 1)
        if not down:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        x, y = x + side * right, y + side * down
    return x, y


def block(address: int, prefix: int) -> tuple[float, float, float, float]:
    """Return x, y, width and height of a CIDR, in units of the picture."""
    squares = [address] if prefix % 2 == 0 else [address, address + (1 << (31 - prefix))]
    side = 1 << (ORDER - (prefix + 1) // 2)
    corners = [tuple(value // side * side for value in place(square)) for square in squares]
    low = [min(values) for values in zip(*corners, strict=True)]
    high = [max(values) + side for values in zip(*corners, strict=True)]
    scale = (1 << ORDER) // SIDE
    return (
        low[0] / scale,
        low[1] / scale,
        (high[0] - low[0]) / scale,
        (high[1] - low[1]) / scale,
    )


def _grid() -> Iterator[str]:
    """Draw the 256 /8s with their numbers."""
    for number in range(256):
        x, y, width, height = block(number << 24, 8)
        yield (
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
            'fill="#f4f4f4" stroke="#ddd" stroke-width="2"/>'
        )
        yield f'<text x="{x + 8:g}" y="{y + 44:g}" font-size="40" fill="#bbb">{number}</text>'


def _part(part: Part, colour: str) -> Iterator[str]:
    yield f'<g fill="{colour}"><title>{escape(part.name)}</title>'
    for address, prefix in part.networks.cidrs(4):
        yield _rect(address, prefix)
    yield "</g>"


def _outlines(networks: Networks, colour: str) -> Iterator[str]:
    yield f'<g fill="none" stroke="{colour}" stroke-width="6">'
    for address, prefix in networks.cidrs(4):
        yield _rect(address, prefix)
    yield "</g>"


def _rect(address: int, prefix: int) -> str:
    x, y, width, height = block(address, prefix)
    wider, higher = max(0.0, SMALLEST - width), max(0.0, SMALLEST - height)
    x, y, width, height = x - wider / 2, y - higher / 2, width + wider, height + higher
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"/>'


def _colour(index: int) -> str:
    """Return colours far apart on the wheel: the golden angle."""
    return f"hsl({index * 137.508 % 360:.0f} 70% {45 + index % 3 * 10}%)"


def _notes(parts: list[Part], added: Networks, removed: Networks, title: str) -> Iterator[str]:
    """Write what the whole picture shows."""
    whole = Networks.union(part.networks for part in parts)
    x = SIDE + MARGIN
    yield f'<text x="{x}" y="40" font-size="64" font-weight="bold">{escape(title)}</text>'
    notes = (
        f"{whole.size(4):,} IPv4 addresses, {whole.size(4) / 2**32:.4%} of all",
        f"outlined: {added.size(4):,} came (green), {removed.size(4):,} went (red)",
        "networks under a /18 are drawn as large as one",
        f"{sum(1 for _ in whole.cidrs(6)):,} IPv6 networks are not drawn",
    )
    for row, note in enumerate(notes, 1):
        yield f'<text x="{x}" y="{40 + row * ROW}" font-size="44">{note}</text>'


def _names(parts: list[Part]) -> Iterator[str]:
    """Name the providers, each with its colour and its share."""
    total = Networks.union(part.networks for part in parts).size(4)
    for index, part in enumerate(parts):
        column, row = divmod(index, ROWS)
        x, y = SIDE + MARGIN + column * COLUMN, (row + NOTES) * ROW
        size = part.networks.size(4)
        yield f'<rect x="{x}" y="{y - 36}" width="44" height="44" fill="{_colour(index)}"/>'
        text = f"{part.name}: {size:,} ({_share(size, total)} of the list)"
        yield f'<text x="{x + 64}" y="{y}" font-size="44">{escape(text)}</text>'


def _share(size: int, total: int) -> str:
    if size < total / 1000:
        return "<0.1%"
    return ">99.9%" if total - total / 2000 < size < total else f"{size / total:.1%}"
