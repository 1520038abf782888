"""Whatever the language model does, the customer gets a right answer: the same stories with models that lie."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from bot.app import Instead
from responses.scripted import Mode, ScriptedModel
from tests.conversations.stories import on_wednesday, open_bank, play, told
from tests.unit.responses_samples import LIES

STORIES = dict(told())
PURCHASE = next(story for name, story in STORIES.items() if name.startswith("fx_buy: 问价"))
IN_ENGLISH = next(story for name, story in STORIES.items() if name == "fx_buy: a purchase in English")


@pytest.mark.parametrize("mode", get_args(Mode))
async def test_a_purchase_goes_as_told_whatever_the_model_does(mode: Mode, tmp_path: Path) -> None:
    model = ScriptedModel(mode)
    async with open_bank(tmp_path, Instead(clock=on_wednesday, provider=model)) as service:
        replies = await play(PURCHASE, service) + await play(IN_ENGLISH, service)
    assert model.asked > 0, "the model was never asked, so nothing was shown"
    for reply in replies:
        assert not any(lie in reply["text"] for lie in LIES), reply["text"]
    verdicts = {reply["how"]["verdict"] for reply in replies}
    assert ("passed" in verdicts) is (mode == "honest"), [reply["how"] for reply in replies]
