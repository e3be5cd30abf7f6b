"""What a snapshot says of one name: the one SPF record there, the addresses of an `a` or `mx` term.

Owns: the choice of the record (RFC 7208 sections 4.3 to 4.5) and the address look-ups of section 5,
with what can go wrong on the way. Void look-ups are counted here, as section 4.6.4 has them, and
judged by who asks. Refuses: any look-up, and to follow an include.
"""

import ipaddress
from typing import Literal, NamedTuple

from spfwhite.dns.answers import NOT_ASKED, Answer, Answers, Failed, Found, Question, Void, mx_hosts
from spfwhite.networks import IPV4_MAPPED, Networks, Range, masked
from spfwhite.spf import record as spf
from spfwhite.spf.reach import MAX_MX_HOSTS, exchanges
from spfwhite.spf.result import Fault
from spfwhite.wording import printable


class Addresses(NamedTuple):
    """What an `a` or `mx` term matches, voids and faults for IPv4 and for IPv6, values read."""

    networks: Networks
    # a check asks only for the family of its client, so each family has its own
    voids: tuple[int, int]
    faults: tuple[Fault | None, Fault | None]
    read: int


def record_at(answers: Answers, domain: str) -> spf.Record | Fault:
    """Return the one SPF record at a domain (section 4.5), or why there is none."""
    if "." not in domain:
        return Fault("missing", f"{domain} is not a domain of several labels")  # section 4.3
    answer = answers.get(Question(domain, "TXT"), NOT_ASKED)
    match answer:
        case Failed():  # section 4.4: a temperror
            return failure(Question(domain, "TXT"), answer)
        case Void("NXDOMAIN"):  # section 4.3
            return Fault("missing", f"{domain} does not exist")
        case Void():
            return Fault("missing", f"{domain} has no TXT record")
    texts = spf.spf_texts(answer.values)
    if not texts:  # section 4.5: the result is "none"
        near = (_octets(text) for text in answer.values if spf.is_nearly_spf(text))
        but = f', but a TXT that begins "{text}"' if (text := next(near, "")) else ""
        return Fault("missing", f"{domain} has no SPF record{but}")
    if len(texts) > 1:  # section 4.5: a permerror
        return Fault("multiple", f"{domain} has {len(texts)} SPF records, so none counts")
    # what was published apart from it is a term too, for its hint
    record, loose = spf.parse(texts[0]), spf.loose_part(answer.values)
    return record._replace(terms=(loose, *record.terms)) if loose else record


def _octets(text: str) -> str:
    """Return the beginning of a TXT as its octets: what was pasted is mostly UTF-8."""
    return printable(text[:24].encode("latin-1", "replace").decode("ascii", "surrogateescape"))


def failure(question: Question, answer: Failed) -> Fault:
    """Return the fault of a question that has no answer."""
    if answer is NOT_ASKED:
        return Fault("limit", f"{question.rrtype} {question.name} was not asked")
    return Fault("temporary", f"{question.rrtype} {question.name} failed: {answer.reason}")


def addresses(answers: Answers, term: spf.Hosts, name: str) -> Addresses:
    """Return what `a` (section 5.3) or `mx` (section 5.4) matches at a name."""
    hosts, voids, fault, read = [name], 0, None, 0
    if term.kind == "mx":
        answer = answers.get(Question(name, "MX"), NOT_ASKED)
        hosts, voids, fault = _exchanges(name, answer)
        read = len(answer.values) if isinstance(answer, Found) else 0
    v4, voids4, fault4 = _family(answers, hosts, "A", term.prefix4)
    v6, voids6, fault6 = _family(answers, hosts, "AAAA", term.prefix6)
    return Addresses(
        networks=Networks(v4, v6) - IPV4_MAPPED,  # section 5: a client there is an IPv4 client
        voids=(voids + voids4, voids + voids6),
        faults=(fault or fault4, fault or fault6),
        read=read + len(v4) + len(v6),
    )


def _exchanges(name: str, answer: Answer) -> tuple[list[str], int, Fault | None]:
    match answer:
        case Failed():
            return [], 0, failure(Question(name, "MX"), answer)
        case Void():
            return [], 1, None
    fault = None
    if len(mx_hosts(answer)) > MAX_MX_HOSTS:
        fault = Fault("limit", f"{name} has more than {MAX_MX_HOSTS} MX hosts")
    return exchanges(answer), 0, fault


def _family(
    answers: Answers, hosts: list[str], rrtype: Literal["A", "AAAA"], prefix: int
) -> tuple[list[Range], int, Fault | None]:
    """Return the addresses of one family of all hosts, as networks of `prefix`; voids; a fault."""
    ranges: list[Range] = []
    voids, fault = 0, None
    bits = 32 if rrtype == "A" else 128
    for host in hosts:
        question = Question(host, rrtype)
        match answers.get(question, NOT_ASKED):
            case Found(values):
                numbers = (int(ipaddress.ip_address(value)) for value in values)
                ranges += (masked(number, prefix, bits) for number in numbers)
            case Void():  # section 4.6.4: a void look-up, and no error
                voids += 1
            case Failed() as failed:  # section 5: a temperror
                fault = fault or failure(question, failed)
    return ranges, voids, fault
