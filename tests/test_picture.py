"""The map: places on the curve, and a document that is whole, harmless and self-contained."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite import picture
from spfwhite.networks import EMPTY, Networks
from spfwhite.picture import ORDER, SIDE, SMALLEST, Part, block, html, place, svg

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"
SCALE = (1 << ORDER) // SIDE

ADDRESS = st.integers(0, 2**32 - 1)
HOSTILE = "</title><script>alert(1)</script>&\"'"

PARTS = [
    Part("small", Networks.parse(["192.0.2.0/24", "2a00:1::/48"])),
    Part("big", Networks.parse(["20.0.0.0/12", "21.0.0.0/18"])),
    Part("none", Networks.parse(["2a00:2::/48"])),
    Part("single", Networks.parse(["8.8.8.8"])),
]
ADDED = Networks.parse(["192.0.2.0/24"])
REMOVED = Networks.parse(["60.0.0.0/10", "61.0.0.1"])


def drawn(
    parts: list[Part] = PARTS, added: Networks = ADDED, removed: Networks = REMOVED
) -> Element:
    return ElementTree.fromstring(svg(parts, added, removed, "table.cidr"))


def texts(root: Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def group(root: Element, name: str) -> Element:
    """The drawing of one provider."""
    (found,) = [each for each in root.iter(f"{SVG}g") if each.findtext(f"{SVG}title") == name]
    return found


def rectangles(element: Element) -> set[tuple[float, float, float, float]]:
    names = ("x", "y", "width", "height")
    return {
        (x, y, width, height)
        for rect in element.iter(f"{SVG}rect")
        for x, y, width, height in [[float(rect.attrib[name]) for name in names]]
    }


def outlined(root: Element, colour: str) -> set[tuple[float, float, float, float]]:
    (found,) = [each for each in root.iter(f"{SVG}g") if each.get("stroke") == colour]
    assert found.get("fill") == "none"
    return rectangles(found)


# --- the document ---


def test_each_network_is_drawn_in_its_place() -> None:
    root = drawn()
    assert rectangles(group(root, "big")) == {block(20 << 24, 12), block(21 << 24, 18)}


def test_what_is_too_small_to_see_is_drawn_larger_around_its_place() -> None:
    ((x, y, width, height),) = rectangles(group(drawn(), "single"))
    at = [value / SCALE for value in place(0x08080808)]
    assert (width, height) == (SMALLEST, SMALLEST)
    assert x < at[0] < x + width
    assert y < at[1] < y + height
    assert block(0, 18)[2:] == (SMALLEST, SMALLEST)  # as a note in the legend says


def test_every_provider_with_ipv4_has_its_colour_its_share_and_a_title() -> None:
    root = drawn()
    legend = [text for text in texts(root) if "of the list" in text]
    assert legend == [
        "big: 1,064,960 (>99.9% of the list)",
        "small: 256 (<0.1% of the list)",
        "single: 1 (<0.1% of the list)",
    ]
    colours = [group(root, name).get("fill") for name in ("big", "small", "single")]
    squares = [r.get("fill") for r in root.findall(f"{SVG}rect") if r.get("width") == "44"]
    assert squares == colours
    assert len(set(colours)) == 3


@pytest.mark.parametrize(
    ("size", "share"), [(1, "<0.1%"), (99, "<0.1%"), (100, "0.1%"), (33_333, "33.3%")]
)
def test_a_share_that_is_not_nothing_does_not_read_as_nothing(size: int, share: str) -> None:
    low = 30 << 24
    parts = [
        Part("one", Networks.of(4, low, low + size - 1)),
        Part("rest", Networks.of(4, low + size, low + 99_999)),
    ]
    assert f"one: {size:,} ({share} of the list)" in texts(drawn(parts, EMPTY, EMPTY))


def test_the_notes_say_how_much_of_the_internet_it_is() -> None:
    said = " ".join(texts(drawn()))
    assert "1,065,217 IPv4 addresses, 0.0248% of all" in said
    assert "2 IPv6 networks are not drawn" in said
    assert "256 came (green), 4,194,305 went (red)" in said


def test_changes_are_outlined_in_two_colours() -> None:
    root = drawn()
    came, went = outlined(root, "#0a0"), outlined(root, "#d00")
    assert came == rectangles(group(root, "small"))
    assert block(60 << 24, 10) in went
    assert len(went) == 2


def test_without_changes_nothing_is_outlined() -> None:
    root = drawn(PARTS, EMPTY, EMPTY)
    assert outlined(root, "#0a0") == outlined(root, "#d00") == set()


def test_an_empty_table_is_drawn_as_an_empty_map() -> None:
    root = drawn([], EMPTY, EMPTY)
    assert "0 IPv4 addresses, 0.0000% of all" in texts(root)
    assert [text for text in texts(root) if text.isdigit()] == [str(n) for n in range(256)]


@pytest.mark.parametrize("count", [1, 57, 58, 200])
def test_everything_is_inside_the_picture_and_names_do_not_make_it_taller(count: int) -> None:
    parts = [Part(f"p{n}", Networks.of(4, n << 16, (n << 16) + n)) for n in range(1, count + 1)]
    root = drawn(parts, EMPTY, Networks.parse(["255.255.255.255"]))
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    assert height < 1.1 * SIDE
    for x, y, wide, high in rectangles(root):
        assert left <= x
        assert x + wide <= left + width
        assert top <= y
        assert y + high <= top + height
    for element in root.iter(f"{SVG}text"):
        assert top <= float(element.attrib["y"]) <= top + height
        assert float(element.attrib["x"]) + 1000 <= left + width or (element.text or "").isdigit()


def test_names_do_not_cover_each_other() -> None:
    parts = [Part(f"p{n}", Networks.of(4, n << 16, (n << 16) + n)) for n in range(1, 200)]
    root = drawn(parts, EMPTY, EMPTY)
    places = [(e.get("x"), e.get("y")) for e in root.iter(f"{SVG}text")]
    assert len(places) == len(set(places))


def assert_harmless(document: str) -> None:
    assert not re.search(r"<script|<foreignobject|<iframe|<img|<link|<use|<a\b", document, re.I)
    assert not re.search(r"href|src=|url\(|@import|javascript:|\son\w+=", document, re.I)
    addresses = set(re.findall(r"https?://[^\"'\s<]+", document))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # the name of a namespace, never fetched


def test_it_is_self_contained_and_has_no_script() -> None:
    document = svg(PARTS, ADDED, REMOVED, "table.cidr")
    assert_harmless(document)
    assert_harmless(html(document, "table.cidr"))


def test_titles_and_names_are_escaped() -> None:
    parts = [Part(HOSTILE, Networks.parse(["20.0.0.0/12"]))]
    document = svg(parts, EMPTY, EMPTY, HOSTILE)
    root = ElementTree.fromstring(document)
    assert root.findtext(f"{SVG}title") == HOSTILE
    assert group(root, HOSTILE) is not None
    assert any(text.startswith(HOSTILE) for text in texts(root))
    assert "<script" not in html(document, HOSTILE)


class Page(HTMLParser):
    """The tags of a page in order, and the text of its title."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.title = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "title" and not self.title:
            self.title = data


def test_the_page_holds_the_picture_and_a_title() -> None:
    made = svg(PARTS, ADDED, REMOVED, "t")
    page = Page(html(made, "a & b"))
    assert page.tags[:5] == ["html", "meta", "title", "style", "svg"]
    assert page.title == "a & b"
    assert set(page.tags[5:]) == {"title", "rect", "text", "g"}
    assert made in html(made, "a & b")


@given(
    st.lists(
        st.tuples(st.text("abc<&>\"'", max_size=5), ADDRESS, st.integers(0, 40_000)), max_size=4
    )
)
def test_any_list_is_a_well_formed_document(raw: list[tuple[str, int, int]]) -> None:
    parts = [Part(name, Networks.of(4, low, min(low + more, 2**32 - 1))) for name, low, more in raw]
    root = drawn(parts)
    assert len([text for text in texts(root) if "of the list" in text]) == len(parts)


# --- in a browser ---


def png_size(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG (its section 11.2.1)."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert content[12:16] == b"IHDR"
    width, height = struct.unpack("!II", content[16:24])
    return width, height


FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--hide-scrollbars",
)


@pytest.mark.parametrize("name", ["map.html", "map.svg"])
def test_a_browser_shows_it(name: str, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    document = svg(PARTS, ADDED, REMOVED, "table.cidr")
    page = tmp_path / name
    page.write_text(html(document, "table.cidr") if name.endswith("html") else document)
    shot = tmp_path / "shot.png"
    subprocess.run(
        [
            chromium,
            *FLAGS,
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=900,600",
            f"--screenshot={shot}",
            page.as_uri(),
        ],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        timeout=100,
        check=True,
    )
    assert png_size(shot.read_bytes()) == (900, 600)
    assert len(shot.read_bytes()) > 10_000  # a blank page has a tenth of it


def test_the_colours_of_neighbours_in_the_legend_differ() -> None:
    colours = [picture._colour(index) for index in range(60)]
    assert len(set(colours)) == 60
