"""Every story under this folder, with no language model: the templates speak."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.service import Service
from tests.conversations.stories import open_bank, play, told

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="bank")
async def _bank(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with open_bank(tmp_path_factory.mktemp("teller")) as bank:
        yield bank


@pytest.mark.parametrize("story", [pytest.param(story, id=name) for name, story in told()])
async def test_a_conversation_goes_as_its_story_tells(story: dict[str, Any], bank: Service) -> None:
    await play(story, bank)
