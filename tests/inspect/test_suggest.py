"""Groups and proposals: whose SPF speaks for whom, and what a proposal needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from spfwhite.dns.answers import Answer, Failed, Found, Question, Void
from spfwhite.inspect.maillog import Client
from spfwhite.inspect.suggest import (
    MAX_NAMES,
    Group,
    by_name,
    groups,
    is_proven,
    parents,
    promising,
    questions,
)
from spfwhite.networks import EMPTY, Networks
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.width import Widest

Spf = Mapping[str, str | Failed]


def seen(name: str, **more: Any) -> Client:
    """Return a client with all that a proposal needs, but for what is given."""
    return replace(Client(connections=2, days=0b11, accepted=1, name=name), **more)


def found(
    clients: Mapping[str, Client],
    spf: Spf,
    *,
    listed: Sequence[str] = (),
    providers: Mapping[str, str] | None = None,
    days: int = 2,
) -> list[Group]:
    """Return the groups of clients in a world where only these names exist."""
    named = by_name(clients, Networks.parse(listed))
    asked = questions(promising(clients, named, days))
    answers: dict[Question, Answer] = dict.fromkeys(
        (Question(name, "TXT") for name in asked), Void("NXDOMAIN")
    )
    for name, text in spf.items():
        answers[Question(name, "TXT")] = text if isinstance(text, Failed) else Found((text,))
    evaluation = evaluate(asked, answers, widest=Widest(12, 28))
    return groups(clients, named, evaluation, days=days, providers=providers or {})


def only(clients: Mapping[str, Client], spf: Spf, *, listed: Sequence[str] = ()) -> Group:
    (group,) = found(clients, spf, listed=listed)
    return group


A_TEST = {"a.test": "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 -all"}


def test_a_sender_that_came_back_with_mail_on_several_days_is_proposed() -> None:
    group = only({"198.51.100.7": seen("mail.a.test")}, A_TEST)
    assert (group.domain, group.spf, group.is_proposed) == ("a.test", "passes", True)
    assert (group.clients, group.passed, group.proven) == (1, 1, 1)


@pytest.mark.parametrize(
    "lack",
    [{"connections": 1}, {"days": 0b1}, {"accepted": 0}, {"failed": True}],
    ids=lambda lack: next(iter(lack)),
)
def test_without_one_of_the_proofs_there_is_no_proposal(lack: dict[str, Any]) -> None:
    group = only({"198.51.100.7": seen("mail.a.test", **lack)}, A_TEST)
    assert (group.passed, group.proven, group.is_proposed) == (1, 0, False)


def test_the_proofs_must_be_of_one_client() -> None:
    clients = {
        "198.51.100.7": seen("mail.a.test", accepted=0),
        "198.51.100.8": seen("mail.a.test", days=0b1),
    }
    assert not only(clients, A_TEST).is_proposed


def test_the_proofs_must_be_of_a_client_that_the_spf_passes() -> None:
    clients = {
        "203.0.113.7": seen("mail.a.test"),
        "198.51.100.8": seen("mail.a.test", accepted=0),
    }
    group = only(clients, A_TEST)
    assert (group.clients, group.passed, group.is_proposed) == (2, 1, False)


@pytest.mark.parametrize(("days", "proven"), [(1, True), (2, True), (3, False)])
def test_how_many_days_are_enough_is_the_operators_choice(days: int, proven: bool) -> None:  # noqa: FBT001
    assert is_proven(seen("mail.a.test"), days) is proven


def test_clients_on_the_list_are_left_out() -> None:
    clients = {"198.51.100.7": seen("mail.a.test"), "2001:db8::7": seen("mail.a.test")}
    group = only(clients, A_TEST, listed=["198.51.100.0/24"])
    assert (group.clients, group.networks) == (1, (("2001:db8::/64", 1),))
    assert found(clients, A_TEST, listed=["198.51.100.7/32", "2001:db8::/32"]) == []


def test_a_wide_record_speaks_for_nobody() -> None:
    group = only({"198.51.100.7": seen("mail.spam.test")}, {"spam.test": "v=spf1 +all"})
    assert (group.domain, group.spf, group.is_proposed) == ("spam.test", "too wide", False)


def waiting(address: str, sender: str = "a.test", **more: Any) -> tuple[str, Client]:
    """Return a client that was seen once and deferred, so that nobody has verified its name."""
    return address, replace(Client(deferred=1, days=0b1, sender=sender), **more)


def test_an_envelope_domain_speaks_for_the_very_clients_that_its_spf_passes() -> None:
    clients = dict(waiting(f"198.51.100.{i}") for i in range(120))
    group = only(clients, A_TEST)
    assert (group.domain, group.clients, group.passed, group.deferred) == ("a.test", 120, 120, 120)
    assert (group.is_waiting, group.is_proposed) == (True, False)


def test_an_envelope_that_its_spf_does_not_pass_may_be_forged_and_names_nobody() -> None:
    clients = dict(
        [waiting("198.51.100.1"), waiting("203.0.113.1"), waiting("203.0.113.2", "no.test")]
    )
    others, ours = found(clients, A_TEST)
    assert (ours.domain, ours.clients) == ("a.test", 1)
    assert (others.domain, others.spf, others.clients) == ("", "no name", 2)


def test_clients_with_a_name_and_with_an_envelope_are_one_group() -> None:
    clients = dict([waiting("198.51.100.1"), ("198.51.100.2", seen("mx.a.test"))])
    group = only(clients, A_TEST)
    assert (group.clients, group.is_waiting, group.is_proposed) == (2, False, True)


def test_an_envelope_domain_whose_spf_passes_more_than_the_limits_is_told() -> None:
    group = only(dict([waiting("198.51.100.1", "spam.test")]), {"spam.test": "v=spf1 +all"})
    assert (group.domain, group.spf, group.is_waiting) == ("spam.test", "too wide", False)


def test_an_envelope_domain_that_cannot_be_looked_up_is_told() -> None:
    group = only(dict([waiting("198.51.100.1")]), {"a.test": Failed("timed out")})
    assert (group.domain, group.spf) == ("a.test", "failed")


def test_each_envelope_domain_is_one_name_to_ask_about_and_one_question() -> None:
    clients = dict(waiting(f"198.51.100.{i}", f"d{i % 2}.test") for i in range(99))
    named = by_name(clients, EMPTY)
    assert questions(promising(clients, named, 2)) == ["d0.test", "d1.test"]


def test_a_sender_that_a_provider_has_is_not_waiting() -> None:
    (group,) = found(dict([waiting("198.51.100.1")]), A_TEST, providers={"a.test": "acme"})
    assert not group.is_waiting


def test_names_below_one_domain_are_one_group_with_its_networks_the_largest_first() -> None:
    clients = {
        "198.51.100.7": seen("mx1.eu.a.test"),
        "2001:db8::7": seen("mx1.a.test", deferred=1),
        "2001:db8::8": seen("mx2.us.a.test", connections=5),
    }
    group = only(clients, A_TEST)
    assert (group.domain, group.clients, group.connections, group.deferred) == ("a.test", 3, 9, 1)
    assert group.networks == (("2001:db8::/64", 2), ("198.51.100.0/24", 1))


def test_the_domain_may_be_below_a_public_suffix_of_two_labels() -> None:
    clients = {"198.51.100.7": seen("mail.a.co.test"), "203.0.113.7": seen("mail.b.co.test")}
    spf = {"a.co.test": "v=spf1 ip4:198.51.100.7 -all", "b.co.test": "v=spf1 ip4:203.0.113.7 -all"}
    assert [group.domain for group in found(clients, spf)] == ["a.co.test", "b.co.test"]


def test_a_hosts_own_record_gives_way_to_that_of_its_domain() -> None:
    spf = {**A_TEST, "mail.a.test": "v=spf1 ip4:198.51.100.7 -all"}
    assert only({"198.51.100.7": seen("mail.a.test")}, spf).domain == "a.test"


def test_a_hosts_own_record_counts_where_its_domain_passes_it_not() -> None:
    spf = {"a.test": "v=spf1 -all", "mail.a.test": "v=spf1 ip4:198.51.100.7 -all"}
    group = only({"198.51.100.7": seen("mail.a.test")}, spf)
    assert (group.domain, group.is_proposed) == ("mail.a.test", True)


def test_of_several_domains_that_pass_as_many_the_nearest_speaks() -> None:
    spf = {**A_TEST, "eu.a.test": "v=spf1 ip4:198.51.100.7 -all"}
    assert only({"198.51.100.7": seen("mail.eu.a.test")}, spf).domain == "eu.a.test"


def test_a_domain_that_passes_more_clients_speaks_before_a_nearer_one() -> None:
    spf = {**A_TEST, "eu.a.test": "v=spf1 ip4:198.51.100.7 -all"}
    clients = {"198.51.100.7": seen("mx1.eu.a.test"), "198.51.100.8": seen("mx2.eu.a.test")}
    assert only(clients, spf).domain == "a.test"


@pytest.mark.parametrize(
    ("spf", "said"),
    [
        ({"a.test": "v=spf1 ip4:192.0.2.0/24 -all"}, "passes none"),
        ({"a.test": "some other text"}, "missing"),
        ({}, "missing"),
        ({"a.test": Failed("timed out")}, "failed"),
        ({"a.test": "v=spf1 include:b.test -all", "b.test": Failed("timed out")}, "failed"),
    ],
)
def test_why_a_domain_does_not_speak_for_its_clients_is_told(spf: Spf, said: str) -> None:
    group = only({"198.51.100.7": seen("mail.a.test")}, spf)
    assert (group.domain, group.spf, group.is_proposed) == ("a.test", said, False)


def test_clients_without_a_verified_name_are_grouped_by_network_alone() -> None:
    clients = {f"198.51.{i}.7": seen("") for i in range(12)} | {"198.51.3.8": seen("")}
    group = only(clients, A_TEST)
    assert (group.domain, group.spf, group.clients) == ("", "no name", 13)
    assert group.networks[0] == ("198.51.3.0/24", 2)
    assert (len(group.networks), group.more_networks) == (10, 2)
    assert not group.is_proposed


@pytest.mark.parametrize(
    "name",
    ["localhost", "under_score.a.test", "-x.a.test", "a..test", ".a.test", "mail.a.7", "a.test-"],
)
def test_a_name_that_no_command_may_hold_is_none(name: str) -> None:
    assert by_name({"198.51.100.7": seen(name)}, EMPTY) == {"": ["198.51.100.7"]}


def test_a_domain_of_the_configuration_is_not_proposed_again() -> None:
    clients = {"198.51.100.7": seen("mail.a.test")}
    (group,) = found(clients, A_TEST, providers={"a.test": "acme"})
    assert (group.provider, group.is_proposed) == ("acme", False)


def test_proposals_come_first_then_those_of_the_most_connections() -> None:
    clients = {
        "198.51.100.7": seen("mail.a.test"),
        "203.0.113.1": seen("mail.b.test", connections=70),
        "203.0.113.2": seen("mail.c.test", connections=90),
    }
    assert [group.domain for group in found(clients, A_TEST)] == ["a.test", "c.test", "b.test"]


def test_no_more_than_five_names_are_asked_for_one_and_none_of_one_label() -> None:
    assert parents("a.test") == ["a.test"]
    assert parents("mail.a.test") == ["a.test", "mail.a.test"]
    assert parents("a.b.c.d.e.f.test") == [
        "c.d.e.f.test",
        "d.e.f.test",
        "e.f.test",
        "f.test",
        "a.b.c.d.e.f.test",
    ]


def test_each_domain_is_asked_once() -> None:
    names = ["mx1.a.test", "mx2.a.test"]
    assert questions(names) == ["a.test", "mx1.a.test", "mx2.a.test"]


def test_of_very_many_names_the_most_promising_are_asked_and_the_rest_is_told() -> None:
    clients = {
        f"198.51.{i >> 8}.{i & 255}": seen(f"mail.d{i}.test", accepted=0)
        for i in range(MAX_NAMES + 100)
    }
    clients["203.0.113.1"] = seen("mail.z.test")
    clients["203.0.113.2"] = seen("mail.y.test", accepted=0, connections=9)
    names = promising(clients, by_name(clients, EMPTY), 2)
    assert len(names) == MAX_NAMES
    assert names[:2] == ["mail.z.test", "mail.y.test"]
    made = found(clients, {})
    (rest,) = (group for group in made if group.spf == "not asked")
    assert (rest.domain, rest.clients) == ("", 102)
