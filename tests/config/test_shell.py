"""Assignments of a shell file: what is read, compared with a real shell, and what is not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.config.shell import MAX_GROWTH, Assignments

PLAIN = [
    ("a=x", "x"),
    ("a=x # comment", "x"),
    ("\t a=x \t", "x"),
    ("a=x#y", "x#y"),
    ("a=", ""),
    ("a='x \"y\" $z `z` \\ #'", 'x "y" $z `z` \\ #'),
    ("a=\"x 'y' # z\"", "x 'y' # z"),
    (r'a="\"\\\$\`\x"', '"\\$`\\x'),
    ('a="x\n  y"', "x\n  y"),
    ('a="x \\\n  y" # two lines', "x   y"),
    ("b=/usr\na=$b/x:${b}", "/usr/x:/usr"),
    ('b="u v"\na="$b w"', "u v w"),
    ("b=u\na='$b'", "$b"),
    ('b=u\na="\\$b"', "$b"),
    ("a=x\na=y", "y"),
    ("a=x\na+=' y'", "x y"),
    ('a=x\na="$a y"', "x y"),
    ("#a=x\na=y\n# it's \"over", "y"),
    ("a=x=y", "x=y"),
    ("a=\u00fc\u00a0x", "\u00fc\u00a0x"),
]
each_plain = pytest.mark.parametrize(("text", "value"), PLAIN)


def values(text: str) -> dict[str, str]:
    return {name: each.value for name, each in Assignments(text).values.items()}


def remarks(text: str) -> list[tuple[int, str]]:
    return [(each.line, each.text) for each in Assignments(text).remarks]


@each_plain
def test_plain_assignments_are_read(text: str, value: str) -> None:
    assert values(text)["a"] == value
    assert remarks(text) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@each_plain
def test_bash_reads_the_same(text: str, value: str, tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    file.write_text(text, encoding="utf-8")
    script = '. "$1"; printf %s "${a[*]}"'
    done = subprocess.run(["bash", "-c", script, "bash", file], capture_output=True, check=True)
    assert done.stdout.decode() == value


def test_a_value_has_the_line_on_which_its_assignment_begins() -> None:
    found = Assignments('# head\n\na="x\ny"\nb=1\nc=2\n').values
    assert {name: each.line for name, each in found.items()} == {"a": 3, "b": 5, "c": 6}


@pytest.mark.parametrize(
    "line",
    [
        "a=$(date)",
        'a="$(date)"',
        'a="x $(date) y" # it\'s the date',
        "a=`date`",
        'a="`date`"',
        "a=${HOME:-x}",
        "a=$1",
        "a=$$",
        "a=~/x",
        "a=x*",
        "a=x y",
        "a= x",
        "a=x & ls",
        "a=x && date",
        "a=x | cat",
        "a=x > file",
        "a=x; b=2",
        "a=x\\ y",
        "a=(x y)",
        "a='x'y",
        "a=([0]=x)",
        "a[0]=x",
        "a = x",
        "export a=x",
        "[ -f file ] && a=x",
        ". other.conf",
        "umask 022",
        "{ a=x; }",
    ],
)
def test_what_is_more_is_remarked_with_its_line(line: str) -> None:
    text = f"b=1\na=old\n{line}\n"
    assert [number for number, _ in remarks(text)] == [3]
    assert "it is not carried over" in remarks(text)[0][1]


@pytest.mark.parametrize("line", ["a=$(date)", "a=`date`", "a=$HOME", "a=x y", 'a="$HOME\n x"'])
def test_a_value_that_cannot_be_told_takes_the_earlier_one_with_it(line: str) -> None:
    assert values(f"a=old\n{line}\nb=2") == {"b": "2"}


@pytest.mark.parametrize(
    "opening",
    [
        "if true; then",
        "if true",
        "while false; do",
        "case x in",
        "f() {",
        "{",
        "(",
        "c=$(",
        'c="$(',
        "c=`",
        'c="`',
        "c='",
        'c="',
        'c="\\"',
        "c=${x:-",
        "cat <<END",
        "cat <<'END'",
        "c=$(cat <<END)",
        "false &&",
        "false && # comment",
        "false ||",
        "date |",
        "echo \\",
        "exit 0",
        "return",
        "exec true",
        "c=x && exit",
        "c=(",
        "c=(x",
        "c=(`",
        "echo '",
        "echo \"it's",
        "c=$x; if true; then",
    ],
)
def test_nothing_is_read_behind_what_could_decide_about_the_rest(opening: str) -> None:
    text = f"a=1\n{opening}\na=2\nb=$(date)\n"
    assert values(text) == {"a": "1"}
    assert [number for number, _ in remarks(text)][-1:] == [2]
    assert remarks(text)[-1][1].endswith("nor is anything after it")


@pytest.mark.parametrize("name", ["b", "HOME", "PATH", "_"])
def test_a_variable_that_the_file_does_not_set_before_is_named(name: str) -> None:
    said = f"a needs ${name}, which the file does not set before; it is not carried over"
    assert remarks(f'a="x\n${{{name}}}"\nc=1\nb=2') == [(1, said)]


def test_variables_that_double_each_other_stop_growing() -> None:
    text = "a=0123456789\n" + "a=$a$a\n" * 100
    assert len(values(text).get("a", "")) <= MAX_GROWTH
    assert "is made of variables that grow too long" in remarks(text)[0][1]


SHREDS = [
    "a",
    "$a",
    "$abc",
    "${a}",
    r"\x",
    "\\\n",
    "\n",
    "#\n",
    "a=x;",
    "''",
    '""',
    '"',
    "()",
    "$(",
    "` `",
]


@pytest.mark.parametrize(
    "opening", ["", "a=", 'a="', "a='", "a=(", "a=$(x) ", 'a=$(x) "', "a=$(x) #"]
)
@pytest.mark.parametrize("shred", SHREDS)
def test_a_file_full_of_shreds_comes_to_an_end(opening: str, shred: str) -> None:
    """Anything but linear time would take this for longer than anybody waits."""
    text = opening + shred * ((1 << 19) // len(shred))
    assert len(values(text)) <= 1


def test_remarks_are_printable_and_cut() -> None:
    [(_, said)] = remarks("\x1b[31m \udcff\u202e" + "x" * 5000)
    assert said.isascii() and said.isprintable() and len(said) < 300
    [(_, said)] = remarks("a" * 5000 + "=$b")
    assert len(said) < 300


TOKENS = ["a=", "b=", "a+=", "x", " ", "\n", "'", '"', "\\", "$a", "${b}", "$(", "`", "(", ")"]
TOKENS += ["#", ";", "&", "|", "<<", "{", "}", "=", "\t", "if ", "fi\n", "\r", "\u2028", "\udcff"]
SHELL = st.lists(st.sampled_from(TOKENS))


@given(SHELL.map("".join))
def test_any_text_ends_in_values_and_remarks_on_lines_that_it_has(text: str) -> None:
    read = Assignments(text)
    lines = range(1, text.count("\n") + 2)
    assert all(each.line in lines for each in read.values.values())
    assert all(each.line in lines for each in read.remarks)


@given(SHELL.map("".join), st.sampled_from(["if x", "x=$(", "{", "exit"]))
def test_what_is_behind_a_program_is_never_read(text: str, program: str) -> None:
    assert "z" not in Assignments(f"{program}\n{text}\nz=1\n").values
