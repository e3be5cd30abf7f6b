"""The page of `providers --html`: what is in it, that nothing gets in unescaped, and in a browser.

The browser is Chromium without a window; it gets a copy of the page that a script of the tests
follows, which writes down what it finds.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from spfwhite.cli import providers
from spfwhite.cli.page import SCRIPT, STYLE, page
from spfwhite.inspect import health
from spfwhite.plan.last_run import last_run
from tests.support import dnsserver
from tests.support.cli import WORLD, overlay, spfwhite
from tests.support.dnsserver import DnsServer
from tests.support.nights import Nights, configured, edited, records
from tests.support.oracle import Zone

CHROMIUM = shutil.which("chromium")

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"

EVIL_TERM = "ip4:1.2.3.4/99<img/src=x/onerror=alert(3)>\"'&lt;"


def nights(*zones: Zone) -> Nights:
    series = Nights(configured({"big": ["big.test"], "rest": ["rest.test"], "gone": ["gone.test"]}))
    for zone in zones:
        series.night(zone)
    return series


GOOD = records(big="ip4:20.0.0.0/16", rest="ip4:20.0.0.0/24 ip4:21.0.0.1", gone="ip4:22.0.0.0/16")
BAD = records(big=f"ip4:20.0.0.0/20 {EVIL_TERM}", rest="ip4:20.0.0.0/24 ip4:21.0.0.1 ip4:21.0.0.9")


def made(series: Nights) -> str:
    run = last_run(series.config, series.state, series.now)
    told = providers.told(health.rows(run), run.now, "spfwhite", providers.ALL)
    return page(run, list(told), ["a fact"])


class Reader(HTMLParser):
    """The elements of a page with their attributes, and the text of its cells by row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._inside: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += f"{data} "


def test_the_table_has_a_row_a_provider_with_what_it_lists_and_what_only_it_adds() -> None:
    rows = {row[0].strip(): row[1:] for row in Reader(made(nights(GOOD, BAD))).rows}
    assert rows.keys() == {"Provider", "big", "rest", "gone"}
    assert rows["big"][0].startswith("held")
    assert rows["big"][1].strip() == "65,536 IPv4 addresses"
    assert rows["big"][2].startswith("65,280 IPv4 addresses")
    assert "also through: rest" in rows["big"][2]
    assert re.fullmatch(r"[0-9-]{10}: added 1 IPv4 address ", rows["rest"][3])


def test_the_page_says_if_nobody_is_in_trouble_and_of_a_dark_night_no_trouble_of_each() -> None:
    series = nights(GOOD)
    well = "Nothing: no provider is in trouble."
    assert well in made(series)
    series.night(BAD)
    assert well not in made(series)
    assert "<section>" in made(series)
    series.night({})
    assert well not in made(series)
    assert "<section>" not in made(series)


def test_a_bar_is_as_long_as_the_root_of_the_addresses_and_strong_where_nobody_else_lists() -> None:
    elements = Reader(made(nights(GOOD))).elements
    widths = [attributes["width"] for tag, attributes in elements if tag == "rect"]
    # 65,536 of which 256 are shared; 65,536; 257 of which 1 is its own
    assert widths == ["100.00%", "99.61%", "100.00%", "100.00%", "6.26%", "0.02%"]


def test_what_somebody_says_in_dns_is_not_shown_as_a_command() -> None:
    series = nights(GOOD, BAD)
    run = last_run(series.config, series.state, series.now)
    row, *_ = health.rows(run)
    lies = [(row, ["  temporary: a.test: SERVFAIL, Other: spfwhite generate --force"])]
    assert "<code>" not in page(run, lies, ())


def test_what_is_wrong_and_what_to_do_is_said_as_the_terminal_says_it() -> None:
    series = nights(GOOD, BAD)
    run = last_run(series.config, series.state, series.now)
    (lines,) = [
        lines
        for row, lines in providers.told(health.rows(run), run.now, "spfwhite")
        if row.report.name == "gone"
    ]
    whole = re.sub("</?span[^>]*>", "", made(series))
    assert ": <code>spfwhite generate --accept gone --reload</code></p>" in whole
    text = re.sub("</?code>", "", whole)
    assert len(lines) > 4
    assert all(f"<p>{line.strip()}</p>" in text or "/" in line for line in lines)


def test_trouble_comes_first_then_the_largest_and_what_lists_nothing_last() -> None:
    names = ("a-empty", "b-small", "c-large", "d-gone", "e-held", "f-sixty-four")
    series = Nights(configured({name: [f"{name}.test"] for name in names}))
    fine = {
        "b-small": "ip4:21.0.0.1",
        "c-large": "ip4:20.0.0.0/16",
        "f-sixty-four": "ip6:2a00::/48",
    }
    for trouble in ({"d-gone": "ip4:22.0.0.1", "e-held": "ip4:23.0.0.0/16"}, {}):
        series.night(records(**fine, **trouble))
    text = made(series)
    order = [row[0].strip() for row in Reader(text).rows[1:]]
    assert order == ["e-held", "d-gone", "c-large", "b-small", "f-sixty-four", "a-empty"]
    assert text.index('id="e-held"') < text.index("<table") < text.index('id="a-empty"')
    assert text.count("<svg") == 4, "no bar for what lists no IPv4 address"


def test_everything_is_on_the_page_and_nothing_is_said_to_be_elsewhere() -> None:
    many = " ".join(f"ip4:22.0.{2 * n}.0/24" for n in range(20))
    faults = " ".join(f"ip4:20.0.{n}.0/33" for n in range(9))
    text = made(nights(GOOD | records(gone=many), GOOD | records(gone=faults)))
    lost = ", ".join(f"22.0.{2 * n}.0/24" for n in range(20))
    assert f"<p>- {lost}</p>" in text
    assert all(f"ip4:20.0.{n}.0/33" in text for n in range(9))
    assert not re.search(r"and [0-9]+ more|--format|-v ", text)


def test_who_is_rejected_is_not_told_as_one_on_the_list() -> None:
    series = nights(GOOD)
    series.config = edited(series.config, "rest", action="reject")
    series.night(GOOD)
    rows = {row[0].strip(): row[1] for row in Reader(made(series)).rows}
    assert "on the reject table" in rows["rest"]
    assert "reject" not in rows["big"]


def test_without_trouble_the_page_says_so() -> None:
    assert "no provider is in trouble" in made(nights(GOOD))


def test_a_reader_of_screens_gets_a_table_with_caption_and_scopes() -> None:
    elements = Reader(made(nights(GOOD, BAD))).elements
    assert [tag for tag, _ in elements].count("caption") == 1
    scopes = [attributes.get("scope") for tag, attributes in elements if tag == "th"]
    assert scopes == ["col"] * 5 + ["row"] * 3
    assert all(attributes["aria-hidden"] == "true" for tag, attributes in elements if tag == "svg")


def test_the_page_needs_nothing_else_and_lets_no_other_script_run() -> None:
    text = made(nights(GOOD, BAD))
    (policy,) = re.findall(r'Content-Security-Policy"\scontent="([^"]*)"', text)
    digests = {
        name: base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        for name, content in (("script", SCRIPT), ("style", STYLE))
    }
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digests['script']}'; "
        f"style-src 'sha256-{digests['style']}'; base-uri 'none'; form-action 'none'"
    )
    assert f"<script>{SCRIPT}</script>" in text and f"<style>{STYLE}</style>" in text
    for _, attributes in Reader(text).elements:
        assert not attributes.keys() & {"src", "style"}
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")


def test_nothing_of_dns_or_the_configuration_gets_in_unescaped() -> None:
    plain = nights(GOOD, BAD)
    series = nights(GOOD, BAD)
    output = series.config.output._replace(allow=Path(f"/{HOSTILE}"))
    series.config = series.config._replace(output=output)
    run = last_run(series.config, series.state, series.now)
    rows = [
        row._replace(also=(HOSTILE,), report=row.report._replace(name=HOSTILE + row.report.name))
        for row in health.rows(run)
    ]
    text = page(run, list(providers.told(rows, run.now, f"spfwhite -c '{HOSTILE}'")), [HOSTILE])
    expected = [tag for tag, _ in Reader(made(plain)).elements]
    tags = [tag for tag, _ in Reader(text).elements]
    # "also through" has a line and a colour of its own
    assert sorted({*tags}) == sorted({*expected, "span", "br"})
    assert tags.count("script") == 1 and tags.count("td") == expected.count("td")
    assert "&lt;img/src=x/onerror=alert(3)&gt;" in text
    assert not re.search(r"<img|<script>alert", text)
    assert text.isascii() or "\u2195" not in text


# --- in a browser ---


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Write the page of the frozen world, with records that are gone, by the program."""
    if not CHROMIUM:
        pytest.skip("there is no chromium here")
    folder = tmp_path_factory.mktemp("page")
    groups = {"google": ["_spf.google.com"], "sendgrid": ["sendgrid.net"], "x": ["x.com"]}
    groups |= {"zendesk": ["mail.zendesk.com"], "long" * 15: ["gitlab.com"], "none": ["none.test"]}
    with DnsServer(dnsserver.Zone.from_file(WORLD / "world.zone")) as server:
        config = overlay(folder, groups, server=server)
        assert spfwhite("-c", config, "generate").returncode == 0
        server.zone.remove("_spf.google.com", "TXT")
        assert spfwhite("-c", config, "generate").returncode == 3
    done = spfwhite("-c", config, "providers", "--html", folder / "page.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    yield folder / "page.html"


def browser(page: Path, *options: str) -> str:
    """Return the document as it is after the browser has loaded a page."""
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *(f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=5000"),
            *(*options, page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def seen(path: Path, width: int, script: str) -> str:
    """Return what a script says of the page in a frame so wide; windows have 500 pixels at least.

    The page's own policy lets no script of ours run, so it is taken out.
    """
    text = re.sub(r"<meta http-equiv[^>]*>", "", path.read_text())
    ours = f"<script>parent.postMessage((() => {{ {script} }})(), '*')</script></body>"
    inner, outer = path.with_name("inner.html"), path.with_name("outer.html")
    inner.write_text(text.replace("</body>", ours))
    outer.write_text(
        "<body><script>onmessage = it => document.body.dataset.seen = it.data</script>"
        f'<iframe src="inner.html" style="border: 0; width: {width}px; height: 900px"></iframe>'
    )
    (found,) = re.findall(r'data-seen="([^"]*)"', browser(outer))
    return str(found)


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 800, 3840])
def test_the_page_is_never_wider_than_the_window(width: int, written: Path) -> None:
    found = seen(written, width, "return [innerWidth, document.documentElement.scrollWidth].join()")
    inside, whole = map(int, found.split(","))
    assert inside == width
    assert whole <= width


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 700, 1000, 1280])
def test_no_word_is_broken_that_fits_a_line(width: int, written: Path) -> None:
    script = """
    const broken = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode, range = document.createRange();
      if (text.parentNode.closest(".soft, script")) continue;
      for (const word of text.data.matchAll(/[0-9]+-[0-9]+-[0-9]+|--[a-z]+|[^\\s-]+/g)) {
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        if (word[0].length < 25 && range.getClientRects().length > 1) broken.push(word[0]);
      }
    }
    return broken.join();
    """
    assert seen(written, width, script) == ""


@pytest.mark.slow
def test_a_click_on_a_head_sorts_and_a_second_one_turns_it(written: Path) -> None:
    click = "head.querySelector('button').click(); return [head.ariaSort, ...keys()].join()"
    start = """
    const column = 2, head = document.querySelectorAll('thead th')[column];
    const keys = () => [...document.querySelector('tbody').rows].map(
        row => row.cells[column].dataset.key);
    """
    up = seen(written, 1280, start + click).split(",")
    down = seen(written, 1280, start + "head.querySelector('button').click();" + click).split(",")
    before = seen(written, 1280, start + "return ['', ...keys()].join()").split(",")
    numbers = list(map(int, up[1:]))
    assert (up[0], down[0]) == ("ascending", "descending")
    assert numbers == sorted(numbers) == sorted(map(int, before[1:]))
    assert list(map(int, down[1:])) == numbers[::-1]
    assert before[1:] != up[1:]


@pytest.mark.slow
def test_the_page_as_it_is_runs_its_own_script_and_no_other(written: Path) -> None:
    probe = written.with_name("policy.html")
    added = "<script>document.title = 'broken'</script><img src=x onerror='document.title=1'>"
    probe.write_text(written.read_text().replace("</body>", f"{added}</body>"))
    text = browser(probe)
    assert "<title>spfwhite: 6 providers</title>" in text
    assert text.count("<button>") == 5
