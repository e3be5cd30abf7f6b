"""`mx = true`: the MX hosts of a domain that has no SPF record."""

# That there is no record is a fact, and stays one in snapshot and state. Only whoever reads the
# answers for such a provider, to ask on or to evaluate, reads them by `read_as`.

from typing import Final

from spfwhite.config.settings import Provider
from spfwhite.dns.answers import Answer, Failed, Found, Question
from spfwhite.sources.crawl import ReadAs
from spfwhite.spf.record import spf_texts

# What is evaluated for a domain without an SPF record; `fallback=` tells it from a real one
MX_FALLBACK: Final = "v=spf1 mx -all fallback=mx"


def read_as(providers: list[Provider]) -> ReadAs:
    """Return what puts `MX_FALLBACK` in place of a missing record of providers with `mx = true`."""
    domains = {domain for provider in providers if provider.mx for domain in provider.domains}

    def read(question: Question, answer: Answer) -> Answer:
        if question.rrtype != "TXT" or question.name not in domains or isinstance(answer, Failed):
            return answer
        has_record = isinstance(answer, Found) and spf_texts(answer.values)
        return answer if has_record else Found((MX_FALLBACK,))

    return read
