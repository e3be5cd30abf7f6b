"""What people paste, and where they put the options that every command has."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from spfwhite.cli.common import pasted
from tests.support.cli import spfwhite
from tests.support.site import site as site_of


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("gmail.com", "gmail.com"),
        (" gmail.com. ", "gmail.com."),
        ("user@gmail.com", "gmail.com"),
        ("<user@gmail.com>", "gmail.com"),
        ("https://gmail.com/", "gmail.com"),
        ("https://gmail.com:443/a?b=c@d", "gmail.com"),
        ("HTTP://gmail.com", "gmail.com"),
        ("gmail.com:25", "gmail.com"),
        ("209.85.128.1", "209.85.128.1"),
        ("209.85.128.0/17", "209.85.128.0/17"),
        ("[209.85.128.1]:43755", "209.85.128.1"),
        ("[209.85.128.1]", "209.85.128.1"),
        ("209.85.128.1:25", "209.85.128.1"),
        ("2a00:1450::1", "2a00:1450::1"),
        ("[2a00:1450::1]:25", "2a00:1450::1"),
        ("2a00:1450::/32", "2a00:1450::/32"),
        ("mail-wm1-f1.google.com[209.85.128.1]", "209.85.128.1"),
        ("client=mail-wm1-f1.google.com[209.85.128.1]:43755,", "209.85.128.1"),
        ("connect from unknown[2a00:1450::1]", "2a00:1450::1"),
        ("user@[IPv6:2a00:1450::1]", "2a00:1450::1"),
    ],
)
def test_the_domain_or_address_is_taken_out_of_what_was_copied(text: str, meant: str) -> None:
    assert pasted(text) == meant


def test_each_command_does_what_was_meant_or_names_the_one_that_does(tmp_path: Path) -> None:
    with site_of(tmp_path) as site:
        site.generate()
        config = site.config

        def run(*arguments: str) -> tuple[int, str]:
            done = spfwhite("-c", config, *arguments)
            return done.returncode, done.stdout + done.stderr

        for text in ("user@big.test", "https://big.test/", "BIG.test."):
            assert run("show", text) == run("show", "big.test")
        code, said = run("show", "209.85.128.1")
        assert (code, "spfwhite explain 209.85.128.1" in said) == (2, True)
        code, said = run("show", "big")
        assert (code, "spfwhite providers big" in said) == (2, True)
        code, said = run("explain", "big.test")
        assert (code, "spfwhite show big.test" in said) == (2, True)
        code, said = run("explain", "209.85.128.1/8")
        assert (code, "did you mean 209.0.0.0/8?\n" in said) == (2, True), "and no domain"
        code, said = run("explain", "big")
        assert (code, "; for a provider: spfwhite providers big\n" in said) == (2, True)
        for text in ("ip4:20.0.0.1", "::ffff:20.0.0.1", "::ffff:1400:1", "a.test[20.0.0.1]"):
            code, said = run("explain", text)
            plain = run("explain", "20.0.0.1")[1]
            assert (code, said) == (1, plain.replace("20.0.0.1:", f"{text}:"))
        for text, network in (("ip4:20.0.0.0/30", "20.0.0.0/30"), ("ip6:2::/32", "2::/32")):
            assert run("explain", text)[1].removeprefix(text) == (
                run("explain", network)[1].removeprefix(network)
            )
        code, said = run("add", "91.198.174.0/26")
        assert (code, "`add --networks 91.198.174.0/26` lists it" in said) == (2, True)
        code, said = run("explain", "[209.85.128.1]:43755")
        assert (code, "not covered" in said) == (1, True)


def test_a_command_that_is_proposed_works_in_any_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    with site_of(folder) as site:
        program = f"spfwhite -c '{site.config}'"
        named = ("-c", site.config.name)
        done = spfwhite("providers", *named, cwd=folder)
        assert done.stderr.endswith(f"; run `{program} generate` first\n")
        site.generate()
        site.server.zone.set("big.test", "TXT", ["v=spf1 ip4:203.0.113.1 -all"])
        site.generate()
        done = spfwhite("providers", *named, cwd=folder)
        (accept,) = (line for line in done.stdout.splitlines() if "--accept big --reload" in line)
        assert accept.endswith(f": {program} generate --accept big --reload")
        done = spfwhite("explain", "20.0.0.1", *named, cwd=folder)
        assert f"{program} suggest MAILLOG, or {program} add DOMAIN\n" in done.stdout
        command = accept[accept.index(program) :].replace("--reload", "--no-reload")
        assert spfwhite(*shlex.split(command)[1:], cwd=tmp_path).returncode == 0
        assert "203.0.113.1/32\tpermit" in site.rules()


@pytest.mark.parametrize(
    "arguments",
    [["show", "big.test"], ["explain", "198.18.0.1"], ["generate", "--dry-run"]],
    ids=" ".join,
)
def test_options_of_every_command_stand_before_it_or_behind(
    arguments: list[str], tmp_path: Path
) -> None:
    with site_of(tmp_path) as site:
        site.generate()
        config = str(site.config)
        lines = [
            ["-c", config, "-v", *arguments],
            ["-v", *arguments, "-c", config],
            ["-c", "none.toml", arguments[0], "-vc", config, *arguments[1:]],
        ]
        first, *others = (spfwhite(*line) for line in lines)
        assert first.returncode == 0, first.stderr
        for other in others:
            assert (other.stdout, other.stderr) == (first.stdout, first.stderr)
        assert spfwhite("generate", "-q", "-c", config).stdout == ""
        assert spfwhite("-q", "generate", "-v", "-c", config).returncode == 2


def test_the_variable_names_the_file_where_no_option_does(tmp_path: Path) -> None:
    with site_of(tmp_path) as site:
        site.generate()
        named = {"SPFWHITE_CONFIG": str(site.config)}
        assert spfwhite("explain", "198.18.0.1", env=named).returncode == 0
        other = spfwhite("explain", "-c", str(tmp_path / "none"), "198.18.0.1", env=named)
        assert other.returncode == 2
