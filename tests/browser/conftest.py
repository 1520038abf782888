"""Headless Chromium, where there is one; its absence is told loudly, and is an error where the browser is required."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests.server import Server

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
REQUIRED = os.environ.get("TELLER_REQUIRE_BROWSER") == "1"


# Playwright keeps an event loop in this thread while it runs: it must be gone before tests of another kind begin.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    if CHROMIUM is None:
        message = "NO CHROMIUM: the widget is NOT tested in a browser (apt-get install chromium)"
        if REQUIRED:
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except Error as error:
            pytest.fail(f"{CHROMIUM} does not start: {error.message}")
        yield running
        running.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The whole bot on a free port, with a demo bank of its own."""
    with Server(tmp_path_factory.mktemp("browsed")).serving() as running:
        yield running
