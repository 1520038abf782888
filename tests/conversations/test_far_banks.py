"""The longest stories, with the bank behind its REST API and behind the action server: the customer notices nothing.

``TELLER_ALL_STORIES=1`` (``make test-all``) tells all stories over both.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from backends.demo import seed
from backends.http.server import create_app as create_bank_api
from backends.ledger import LedgerActions
from backends.local import LocalActions
from backends.server import create_app as create_action_server
from bot.app import Instead
from bot.service import Service
from bot.store import open_database
from tests.conversations.stories import HERE, WEDNESDAY, Clock, Snapshot, open_bank, play, told
from tests.server import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "a key of the conversations, long enough to sign"
SAMPLE = 4
WAYS: dict[str, tuple[str, Callable[[LedgerActions, bytes], ASGIApp]]] = {
    "REST API": ("bank_api_url", create_bank_api),
    "action server": ("actions_url", create_action_server),
}


def sample() -> list[tuple[str, dict[str, Any]]]:
    """The longest stories, in the order in which they are told."""
    stories = told() + told(HERE / "long")
    if os.environ.get("TELLER_ALL_STORIES"):
        return stories
    longest = sorted(range(len(stories)), key=lambda number: -len(stories[number][1]["turns"]))[:SAMPLE]
    return [stories[number] for number in sorted(longest)]


@dataclass(frozen=True, slots=True)
class FarBank:
    """A bot, the bank that it asks over the network, their clock, and how both were before anyone said anything."""

    service: Service
    ledger: LedgerActions
    clock: Clock
    seeded: Snapshot


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=WAYS, name="shared")
async def _shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FarBank]:
    setting, create_app = WAYS[request.param]
    there, here, clock = tmp_path_factory.mktemp("bank"), tmp_path_factory.mktemp("teller"), Clock(WEDNESDAY)
    await _seed(there)
    engine = open_database(None, there, "bank")
    ledger = LedgerActions(LocalActions(engine, clock))
    with serving(create_app(ledger, KEY.encode())) as url:
        settings = {setting: url, "token_key": KEY}
        async with open_bank(here, Instead(clock=clock), **settings) as service:
            yield FarBank(service, ledger, clock, Snapshot(there / "bank.db", here / "teller.db"))
    await engine.dispose()


async def _seed(folder: Path) -> None:
    engine = open_database(None, folder, "bank")
    await seed(engine, WEDNESDAY)
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="module", name="far")
async def _far(shared: FarBank) -> FarBank:
    """The far bank as it was seeded, and the bot without a memory of anyone."""
    await shared.seeded.put_back()
    shared.clock.now = WEDNESDAY
    return shared


@pytest.mark.parametrize("story", [pytest.param(story, id=name) for name, story in sample()])
async def test_a_conversation_goes_as_its_story_tells(story: dict[str, Any], far: FarBank) -> None:
    await play(story, far.service)


BUYING = {
    "customer": "C1007",
    "turns": [
        {"say": "购买100美元", "outcomes": ["fx_buy.ready"]},
        {"say": "确认", "outcomes": ["fx_buy.code_sent"]},
        {"code": True, "outcomes": ["fx_buy.done"]},
    ],
}


async def test_an_answer_that_is_lost_after_the_commit_is_asked_after_and_done_once(far: FarBank) -> None:
    before = len(far.ledger.effects())
    far.ledger.fail("lost")
    await play(BUYING, far.service)
    assert len(far.ledger.effects()) == before + 1
    commits = [entry for entry in far.ledger.entries if entry.call.step == "commit" and entry.fault == "lost"]
    assert len(commits) == 1
