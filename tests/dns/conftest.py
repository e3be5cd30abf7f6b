"""What the tests with real name servers share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.internet import Internet, internet
from tests.support.resolvers import missing


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Return an internet of its own."""
    if (reason := missing()) and os.environ.get("CI") != "true":
        pytest.skip(reason)
    with internet(tmp_path_factory.mktemp("internet")) as made:
        yield made
