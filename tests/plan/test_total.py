"""Whose share in what exceeds the limits of the list is how large, and who is held for it."""

from __future__ import annotations

from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.rails import Rail
from spfwhite.plan.total import Share, causes, exceeded, to_hold

RAIL = Rail("total", 30, 100, 7)


def nets(*texts: str) -> Networks:
    return Networks.parse(texts)


def grown(before: str, *more: str) -> Share:
    old = nets(before)
    return Share(old, old, old | nets(*more))


def order(shares: dict[str, Share]) -> list[str]:
    return [cause.provider for cause in causes(shares, exceeded(RAIL, shares.values()))]


def test_who_has_the_larger_part_of_either_family_comes_first() -> None:
    shares = {
        "a": grown("20.0.0.0/20", "30.0.0.0/21"),
        "b": grown("2a00::/48", "2a01::/44", "30.0.8.0/24"),
        "c": grown("20.1.0.0/24", "30.1.0.0/18", "2a02::/46"),
        "d": grown("20.2.0.0/24"),
    }
    assert order(shares) == ["c", "b", "a"]


def test_the_larger_of_two_parts_counts() -> None:
    shares = {
        "a": grown("20.0.0.0/20", "30.0.0.0/18"),
        "b": grown("2a00::/48", "2a01::/44", "30.1.0.0/22"),
        "c": grown("2a02::/48", "2a03::/45", "30.2.0.0/24"),
    }
    assert order(shares) == ["a", "b", "c"]


def test_who_has_no_part_in_what_exceeds_is_no_cause() -> None:
    shares = {
        "a": grown("20.0.0.0/20", "30.0.0.0/18"),
        "b": Share(nets("21.0.0.0/24"), nets("21.0.0.0/24"), EMPTY),
    }
    assert order(shares) == ["a"]
    assert causes({"b": shares["b"]}, []) == []
    unknown = RAIL.violations(nets("22.0.0.0/20"), EMPTY, nets("22.0.0.0/20"))
    assert causes({"a": grown("20.0.0.0/20")}, unknown) == []


def test_what_came_in_the_week_is_no_part_of_a_loss_beside_what_was_there() -> None:
    old, came = nets("20.0.0.0/20"), nets("21.0.0.0/20")
    shares = {"a": Share(old | came, old, EMPTY), "b": Share(old, old, old)}
    (cause,) = causes(shares, exceeded(RAIL, shares.values()) or RAIL.violations(old, EMPTY, old))
    assert (cause.provider, cause.lost) == ("a", old)


def test_where_only_what_came_goes_but_the_week_loses_too_much_that_is_the_cause() -> None:
    then = nets("20.0.0.0/20")
    now = nets("20.0.0.0/21", "21.0.0.0/21")
    shares = {"a": Share(now, then, nets("20.0.0.0/21")), "b": grown("22.0.0.0/24")}
    held = to_hold(RAIL, shares)
    assert held
    ((phrase,),) = ([hold.phrase for hold in holds] for holds in held.values())
    assert phrase.startswith("loses 2,048 IPv4 addresses, and the list loses ")
    assert "within 7 days" in phrase


def test_a_loss_of_the_other_family_hides_no_cause() -> None:
    then = nets("20.0.0.0/20", "2a00::/32")
    now = nets("20.0.0.0/21", "21.0.0.0/21", "2a00::/32")
    shares = {
        "a": Share(now, then, nets("20.0.0.0/21", "2a00::/33")),
        "b": grown("2a01::/30"),
        "c": grown("22.1.0.0/24"),
    }
    over = exceeded(RAIL, shares.values())
    assert [hold.version for hold in over] == [4]
    assert list(to_hold(RAIL, shares) or ()) == ["a"]
    (cause,) = causes(shares, over)
    assert cause.lost == nets("21.0.0.0/21", "2a00:0:8000::/33")


def test_nobody_is_held_while_the_list_is_within_its_limits() -> None:
    assert to_hold(RAIL, {"a": grown("20.0.0.0/20", "30.0.0.0/24")}) == {}
    assert to_hold(RAIL, {}) == {}


def test_one_of_one_is_more_than_half() -> None:
    assert to_hold(RAIL, {"a": grown("20.0.0.0/20", "30.0.0.0/18")}) is None
