"""One server for all contract tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The whole bot on a free port, with a demo bank of its own."""
    with Server(tmp_path_factory.mktemp("served")).serving() as running:
        yield running
