"""Every story under this folder, with no language model: the templates speak."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.app import Instead
from bot.service import Service
from tests.conversations.stories import Snapshot, on_wednesday, open_bank, play, told

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="shared")
async def _shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Service, Snapshot]]:
    folder = tmp_path_factory.mktemp("teller")
    async with open_bank(folder, Instead(clock=on_wednesday)) as service:
        yield service, Snapshot(folder / "bank.db", folder / "teller.db")


@pytest_asyncio.fixture(loop_scope="module", name="bank")
async def _bank(shared: tuple[Service, Snapshot]) -> Service:
    """The one bank, as it was seeded, and the bot without a memory of anyone."""
    service, seeded = shared
    await seeded.put_back()
    return service


@pytest.mark.parametrize("story", [pytest.param(story, id=name) for name, story in told()])
async def test_a_conversation_goes_as_its_story_tells(story: dict[str, Any], bank: Service) -> None:
    await play(story, bank)
