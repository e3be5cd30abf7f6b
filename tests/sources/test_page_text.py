"""The visible text of documents: HTML as a browser shows it, JSON, CSV and plain text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.sources.page_addresses import networks_in
from spfwhite.sources.page_doubts import CELL
from spfwhite.sources.page_text import media_type, visible_text

DEEP = 100_000


def shown(source: str, kind: str = "text/html") -> str:
    """Return what is shown, its lines without the space around them and without empty ones."""
    lines = visible_text(source.encode("utf-8", "surrogatepass"), kind).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def listed(source: str, kind: str = "text/html") -> list[str]:
    return [cidr for networks in networks_in(shown(source, kind)) for cidr in networks.texts()]


# What the page of a large sender looks like: prose, a table, and a block of preformatted text.
OUTBOUND = """<!DOCTYPE html>
<html lang="en-US"><head><meta charset="UTF-8"><title>Outbound Mail Servers 203.0.113.1</title>
<style id='global-css'>.wp-block{--v:6.4.3.2} @media(min-width:1.1.1.1){a::before{top:0}}</style>
<script>window.cfg={"ip":"203.0.113.2","build":"6.4.3.2"};if(1<2){document.write("</p>")}</script>
</head><body class="page-id-99 ver-6.4.3.2"><noscript><img src="//203.0.113.3/p.gif">203.0.113.3
</noscript><!-- old list: 203.0.113.4 --><h1>Outbound&nbsp;Mail Servers</h1>
<p>Updated 2025&ndash;07&ndash;01, 12:30:15. Mail is sent from the following networks only.</p>
<figure class="wp-block-table"><table><thead><tr><th>Network</th><th>Range</th><th>Use</th></tr>
</thead><tbody>
<tr><td>66.163.184.0/21</td><td>66.163.184.1 - 66.163.191.254</td><td>25</td></tr>
<tr><td><strong>98.138.</strong>84.0/22</td><td></td><td>4</td></tr>
<tr><td>192.0.2.</td><td>7</td><td>not an address</td></tr>
<tr><td>2001:4998:c::/48<td>IPv6<td>1.5
</table></figure>
<pre>
74.6.128.0/21    bulk
198.51.100.1-9   corporate
- 198.51.100.32
</pre>
<ul><li>198.51.100.64&#8211;198.51.100.67<li>198.51.100.128&#x2F;30</ul>
<img alt="203.0.113.5" src="203.0.113.6.png"><a href="https://203.0.113.7/">status</a>
<footer>&copy; Example &middot; v6.4.3.2</footer></body></html>"""


def test_the_page_of_a_sender_gives_what_a_reader_sees() -> None:
    assert listed(OUTBOUND) == [
        *("66.163.184.0/21", "66.163.184.1/32", "66.163.184.2/31", "66.163.184.4/30"),
        *("66.163.184.8/29", "66.163.184.16/28", "66.163.184.32/27", "66.163.184.64/26"),
        *("66.163.184.128/25", "66.163.185.0/24", "66.163.186.0/23", "66.163.188.0/23"),
        *("66.163.190.0/24", "66.163.191.0/25", "66.163.191.128/26", "66.163.191.192/27"),
        *("66.163.191.224/28", "66.163.191.240/29", "66.163.191.248/30", "66.163.191.252/31"),
        *("66.163.191.254/32", "98.138.84.0/22", "2001:4998:c::/48", "74.6.128.0/21"),
        *("198.51.100.1/32", "198.51.100.2/31", "198.51.100.4/30", "198.51.100.8/31"),
        *("198.51.100.32/32", "198.51.100.64/30", "198.51.100.128/30"),
    ]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        # one word
        ("192.0.2.<b>1</b>", "192.0.2.1"),
        ("<a href=x>192.0.2</a>.<B class='y'>1</B>", "192.0.2.1"),
        ("<code>192</code><span>.0.</span><em><i>2.1</i></em>/<wbr>24", "192.0.2.1/24"),
        ("192.0.2.<!-- 9 -->1", "192.0.2.1"),
        ("192.0.2.<!>1<?php 9 ?>0</ 9>1", "192.0.2.101"),
        # not one word
        ("<td>192.0.2.</td><td>1</td>", "192.0.2.\n1"),
        ("<td>192.0.2.<td>1", "192.0.2.\n1"),
        ("192.0.2.1<br>2", "192.0.2.1\n2"),
        ("192.0.2.1<br/>2", "192.0.2.1\n2"),
        ("192.0.2.1<sup>2</sup>", "192.0.2.1\n2"),
        ("192.0.2.1<img src=x>2", "192.0.2.1\n2"),
        ("<x-cell>192.0.2.1</x-cell><x-cell>2</x-cell>", "192.0.2.1\n2"),
        ("192.0.2.1<script></script>2", "192.0.2.1\n2"),
        ("<option>1<option>2", "1\n2"),
        # white space
        ("1 -\n\n    2", "1 - 2"),
        ("<p>1\n-\t2</p>", "1 - 2"),
        ("<pre>1\n- 2</pre>3\n4", "1\n- 2\n3 4"),
        ("<pre><pre>1\n2</pre>3\n4</pre>5\n6", "1\n2\n3\n4\n5 6"),
        ("<textarea>1\n2</textarea>", "1\n2"),
        # references
        ("192&#46;0&#x2e;2&period;1", "192.0.2.1"),
        ("1&nbsp;&ndash;&#8211;&ensp;2", "1 –– 2"),
        ("&lt;td&gt;1&amp;lt;", "<td>1&lt;"),
        ("&unknown; & &; &# &#x; AT&T", "&unknown; & &; &# &#x; AT&T"),
        ("&#xD800;&#1114112;&#0;", "\ufffd\ufffd\ufffd"),
        # markup that is not quite
        ("1 < 2 <3 <-4 <", "1 < 2 <3 <-4 <"),
        ("1<p", "1"),
        ("1<p title='a>2", "1"),
        ("1<p title=a>2", "1\n2"),
        ("1<p title=it's>2", "1\n2"),
        ("1<p title = 'a>b' x=\"c>d\">2", "1\n2"),
        ('1<p title="<script>">2', "1\n2"),
        ("1<p a=b/c/>2", "1\n2"),
        ("1<p href=/?q='>2", "1\n2"),
        ('1<p href=/?a=">2', "1\n2"),
        ("1<!-- 2", "1"),
        ("1<!--> 2 <!---> 3 <!-- 4 --!> 5 <!----> 6", "1 2  3  5  6"),
        ("1<!DOCTYPE html>2", "12"),
        ("1</>2</ p>3", "123"),
        ("</td></td></pre></template>1\n2", "1 2"),
        ("\ufeff1", "1"),
    ],
)
def test_html_is_shown_as_a_browser_shows_it(source: str, text: str) -> None:
    assert shown(source) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>192.0.2.1</script>",
        "<SCRIPT type='x'>192.0.2.1</Script >",
        "<script>'</scripts>' < 192.0.2.1 <!-- </script>",
        "<script/>192.0.2.1</script>",
        "<script>if (a</b>c) 192.0.2.1</script\n>",
        "<style>a:after{content:'</b>192.0.2.1'}</style>",
        "<head><title>192.0.2.1</title></head>",
        "<title><b>192.0.2.1</title>",
        "<template>192.0.2.1</template>",
        "<template>1<template>2</template>192.0.2.1</template>",
        "<template><table><tr><td>192.0.2.1</table></template>",
        "<noscript><p>192.0.2.1</p></noscript>",
        "<iframe>192.0.2.1</iframe>",
        "<a title='192.0.2.1' data-x=192.0.2.1></a>",
        '<input value="> 192.0.2.1 <">',
        "<!-- 192.0.2.1 > 192.0.2.1 -- 192.0.2.1 -->",
        "<p><del>192.0.2.1</del></p><s>192.0.2.<b>1</b></s><strike>192.0.2.1</strike>",
        "<div hidden>192.0.2.1<div>192.0.2.1</div>192.0.2.1</div>",
        "<p title='x>' style='color: red; DISPLAY : none'>192.0.2.1</p>",
        "<span class=a hidden=''>192.0.2.1</span>",
        "<!doctype 192.0.2.1>",
        "<?xml 192.0.2.1 ?>",
    ],
)
def test_what_a_browser_hides_is_not_shown(hidden: str) -> None:
    assert shown(f"{hidden}<p>shown") == "shown"


@pytest.mark.parametrize("name", ["script", "style", "title", "noscript", "template", "iframe"])
def test_what_is_hidden_and_has_no_end_hides_the_rest(name: str) -> None:
    assert shown(f"1<{name}>192.0.2.1<p>192.0.2.1</p></{name}x>192.0.2.1") == "1"


def test_a_name_that_begins_like_a_hidden_one_is_another() -> None:
    assert shown("<scripts>1</scripts><styled>2</styled><titles>3") == "1\n2\n3"


def test_in_xhtml_an_element_may_close_itself() -> None:
    source = "<title/><script src='x'/><template/><td>192.0.2.1</td><br/>2"
    assert shown(source, "application/xhtml+xml") == "192.0.2.1\n2"
    assert shown(source, "text/html") == ""


def test_json_shows_its_text_values_in_order() -> None:
    document = {"a-b": ["192.0.2.1", 7, None, {"a": {"b": "192.0.2.2"}, "c": ["192.0.2.3"]}]}
    assert shown(json.dumps(document), "application/json") == "192.0.2.1\n192.0.2.2\n192.0.2.3"


def test_json_shows_keys_that_are_networks() -> None:
    source = '{"192.0.2.1": {"region": "us"}, "2001:db8::/32": "eu", "1a2": "no", "rest": "of it"}'
    assert listed(source, "application/json") == ["192.0.2.1/32", "2001:db8::/32"]


SERVICES = """{"version": "1.2.3.4", "networks": ["192.0.2.1"], "prefixes": [
  {"cidr": "192.0.2.2/32", "service": "EC2", "region": "eu"},
  {"cidr": "192.0.2.3/32", "service": "S3", "region": "eu"},
  {"product": ["jira", "mail"], "in": {"all": ["192.0.2.4/32"]}, "is": {"cidr": "192.0.2.5"}}]}"""


@pytest.mark.parametrize(
    ("select", "cidrs"),
    [
        ({"service": "EC2"}, ["192.0.2.2/32"]),
        ({"service": "EC2", "region": "eu"}, ["192.0.2.2/32"]),
        ({"service": "EC2", "region": "us"}, []),
        ({"region": "eu"}, ["192.0.2.2/32", "192.0.2.3/32"]),
        ({"product": "mail"}, ["192.0.2.4/32", "192.0.2.5/32"]),
        ({}, [f"192.0.2.{n}/32" for n in (1, 2, 3, 4, 5)]),
    ],
)
def test_of_json_only_the_objects_count_that_have_what_is_selected(
    select: dict[str, str], cidrs: list[str]
) -> None:
    text = visible_text(SERVICES.encode(), "application/json", tuple(select.items()))
    assert [cidr for networks in networks_in(text) for cidr in networks.texts()] == cidrs


def test_a_selection_needs_json() -> None:
    with pytest.raises(ValueError, match=r"^is not JSON$"):
        visible_text(b"192.0.2.1", "text/plain", (("service", "EC2"),))


def test_html_in_json_is_shown_as_html() -> None:
    source = json.dumps({"body": "<p>192.0.2.8&nbsp;- 192.0.2.15</p><li>192.0.2.4</li>"})
    assert listed(source, "application/json") == ["192.0.2.8/29", "192.0.2.4/32"]


@pytest.mark.parametrize("kind", ["application/octet-stream", "binary/octet-stream"])
def test_octets_that_are_text_are_read_and_others_not(kind: str) -> None:
    assert listed("# old: 192.0.2.2\n192.0.2.1\n", kind) == ["192.0.2.1/32"]
    assert listed(' {"release": "1.2.3.4", "ip": "192.0.2.1"}', kind) == ["192.0.2.1/32"]
    with pytest.raises(ValueError, match=r"^is not a text$"):
        shown("\x7fELF\x01 192.0.2.1", kind)


def test_json_values_are_not_glued() -> None:
    assert shown('["192.0.2.", "1"]', "application/json") == "192.0.2.\n1"


def test_json_shows_every_value_of_a_key_that_comes_twice() -> None:
    assert shown('{"ip": "192.0.2.1", "ip": "192.0.2.2"}', "application/json") == (
        "192.0.2.1\n192.0.2.2"
    )


def test_a_version_in_json_is_not_shown_but_what_is_below_it() -> None:
    source = '{"apiVersion": "1.2.3.4", "version": {"x": "192.0.2.1"}, "release": ["192.0.2.2"]}'
    assert shown(source, "application/json") == "192.0.2.1\n192.0.2.2"
    for key in ("schema_version", "Release", "build", "buildNumber"):
        assert shown(json.dumps({key: "1.2.3.4"}), "application/json") == ""


@pytest.mark.parametrize("source", ['"192.0.2.1"', '["\\u0031\\u003992.0.2.1"]', " [[[]],{},1.5]"])
def test_any_json_document_is_shown(source: str) -> None:
    assert shown(source, "application/json") in ("192.0.2.1", "1992.0.2.1", "")


@pytest.mark.parametrize(
    "source",
    ["", "192.0.2.1", "{'a': 1}", '["192.0.2.1"', "[" * DEEP, '{"a":' * DEEP, "9" * 5000],
)
def test_json_that_is_none_raises_a_phrase(source: str) -> None:
    with pytest.raises(ValueError, match=r"^is not JSON$"):
        shown(source, "application/json")


@pytest.mark.parametrize("kind", ["text/plain", "text/csv"])
def test_plain_text_is_shown_as_it_is_but_for_comment_lines(kind: str) -> None:
    source = "a.<b>.&amp\r\n# old: 192.0.2.1\n  #192.0.2.2\n192.0.2.3 # new\n\n192.0.2.4"
    assert shown(source, kind) == "a.<b>.&amp\n192.0.2.3 # new\n192.0.2.4"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("1\t2|3", "text/plain"),
        ("1,2;3", "text/csv"),
        ("<tr><td>1<td>2</td><th>3</tr>", "text/html"),
        ('{"a": "1", "b": "2", "c": 3}', "application/json"),
    ],
)
def test_cells_of_a_row_stay_beside_each_other_and_apart(source: str, kind: str) -> None:
    cells = visible_text(source.encode(), kind).strip().split(CELL)
    assert [cell for cell in cells if cell] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("header", "kind"),
    [("text/html", "text/html"), (" Text/HTML ; charset=x", "text/html"), ("", ""), (";", "")],
)
def test_the_media_type_of_a_header_is_found(header: str, kind: str) -> None:
    assert media_type(header) == kind


@pytest.mark.parametrize(
    "attributes",
    ["aria-hidden=true", "class='a hidden b'", "title='display:none'", "style='display:block'"],
)
def test_what_only_looks_hidden_is_shown(attributes: str) -> None:
    assert shown(f"<p {attributes}>192.0.2.1</p>") == "192.0.2.1"


def test_an_element_without_an_end_hides_nothing_behind_it() -> None:
    assert shown("<input hidden>192.0.2.1") == "192.0.2.1"


TEXTUAL = ["text/html", "application/xhtml+xml", "text/csv", "text/plain"]
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *("<", ">", "</", "/>", "<!--", "-->", "<![CDATA[", "]]>", "<?", "&", "&#", ";", "\0"),
            *("<script", "</script", "<pre>", "</pre>", "<template>", "</template>", "<td>", "<b"),
            *(" a=", '"', "'", "=", " ", "\n", "192.0.2.1", "é", "&lt;", "&#9999999999;", "\ud800"),
        ]
    )
)


@given(FRAGMENTS.map("".join) | st.text(), st.sampled_from(TEXTUAL))
def test_any_document_is_shown(source: str, kind: str) -> None:
    assert isinstance(shown(source, kind), str)


@given(st.binary(), st.sampled_from(TEXTUAL), st.sampled_from(["", "; charset=utf-16", ";charset"]))
def test_any_bytes_are_shown(content: bytes, kind: str, charset: str) -> None:
    assert isinstance(visible_text(content, kind + charset), str)


@given(st.text(alphabet="ab12. \n\t&;'\"=/!-", max_size=50))
def test_text_without_markup_is_shown_whole(source: str) -> None:
    assert visible_text(source.encode(), "text/html").split() == source.split()


def nested(name: str) -> str:
    return f"<{name}>" * DEEP + "192.0.2.1" + f"</{name}>" * DEEP


@pytest.mark.parametrize("name", ["div", "table", "b", "pre", "x-y"])
def test_deep_nesting_is_no_matter(name: str) -> None:
    assert shown(nested(name)) == "192.0.2.1"


def test_deeply_nested_templates_hide_what_is_in_them() -> None:
    assert shown(nested("template") + "shown") == "shown"


UNFINISHED = [
    *(
        "<",
        "</",
        "</a",
        "<!--",
        "<!",
        "<?",
        "<![CDATA[",
        "<a ",
        "<a b='",
        '<a b="',
        "<a =",
        "<a b=",
    ),
    *(
        "<a b",
        "<script",
        "<script>",
        "<script></script ",
        "<title ",
        "<!-->",
        "<!---",
        "</>",
        "<a\n",
    ),
    *("<a b=' ", "<a = = ", "<a =x ", "<script =x ", "<title>x</title =x ", "<STYLE></style"),
    *("&", "&#", "&#9", "&#x", "&a", "<pre>", "<template>", "<td>", "=", "'", "<a/", "<//", "\n"),
]


@pytest.mark.parametrize("shred", [*UNFINISHED, "<script>" + "</" * 50, "<title>" + "</title" * 9])
@pytest.mark.parametrize("kind", ["text/html", "application/xhtml+xml"])
def test_a_page_full_of_unfinished_markup_comes_to_an_end(shred: str, kind: str) -> None:
    """Anything but linear time would take this for longer than anybody waits."""
    source = shred * ((1 << 19) // len(shred))
    assert len(visible_text(source.encode(), kind)) <= 2 * len(source)


@pytest.mark.parametrize("attributes", ["= ", "=x ", "=''", "==\n", "a b\n"])
@pytest.mark.parametrize(("name", "text"), [("td", "1\n2\n3"), ("script", "1\n3")])
def test_one_tag_full_of_attributes_comes_to_an_end(name: str, text: str, attributes: str) -> None:
    assert shown(f"1<{name} " + attributes * (1 << 18) + ">2</script>3") == text


def test_one_script_full_of_unfinished_ends_comes_to_an_end() -> None:
    assert shown("1<script>" + "</script" * (1 << 18)) == "1"


def test_a_number_of_any_length_is_shown() -> None:
    assert len(shown("&#" + "9" * 10_000)) > 9_000
