"""The longer stories of ``long/``: many capabilities in one conversation, with corrections, digressions, refusals, waits.

Each finds the bank as it was seeded, on a Wednesday morning, and a bot without a memory of anyone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.app import Instead
from bot.service import Service
from tests.conversations.stories import HERE, WEDNESDAY, Clock, Snapshot, open_bank, play, told

STORIES = told(HERE / "long")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="shared")
async def _shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Service, Clock, Snapshot]]:
    folder, clock = tmp_path_factory.mktemp("teller"), Clock(WEDNESDAY)
    async with open_bank(folder, Instead(clock=clock)) as service:
        yield service, clock, Snapshot(folder / "bank.db", folder / "teller.db")


@pytest_asyncio.fixture(loop_scope="module", name="bank")
async def _bank(shared: tuple[Service, Clock, Snapshot]) -> Service:
    service, clock, seeded = shared
    await seeded.put_back()
    clock.now = WEDNESDAY
    return service


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("story", [pytest.param(story, id=name) for name, story in STORIES])
async def test_a_long_conversation_goes_as_its_story_tells(story: dict[str, Any], bank: Service) -> None:
    await play(story, bank)


def test_the_long_conversations_are_long_and_told_in_both_languages() -> None:
    lengths = [len(story["turns"]) for _, story in STORIES]
    english = [story for _, story in STORIES if story["turns"][0].get("language") == "en"]
    assert len(STORIES) >= 60
    assert len(english) >= 12
    assert min(lengths) >= 6
    assert max(lengths) <= 14
