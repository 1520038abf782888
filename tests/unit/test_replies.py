"""The page of replies is what is said today: in each mood, tone and language, with manners and without habits."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from bot.replies import page, reply, specimens
from responses.audience import Mood, Tone
from responses.persona import persona

PAGE = Path(__file__).parents[2] / "docs" / "replies.md"


def test_the_page_in_the_repository_is_what_would_be_written_today() -> None:
    assert PAGE.read_text("utf-8") == page(), "write it anew: teller replies > docs/replies.md"


def test_ten_results_are_told_in_every_mood_tone_and_language() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "Ms Chen" in line]
    rows += [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "陈女士" in line]
    assert len(rows) == len(specimens()) * len(get_args(Mood)) * len(get_args(Tone)) * 2
    assert len(specimens()) == 10


async def test_every_reply_greets_once_and_has_no_habit_of_a_hotline_or_a_companion() -> None:
    for result in specimens():
        for mood in get_args(Mood):
            for tone in get_args(Tone):
                for language, name in (("zh", "陈女士"), ("en", "Ms Chen")):
                    text = (await reply(result, mood, tone, language)).text
                    assert text.count(name) == 1, text
                    assert persona().habits(text, language) == [], text


async def test_the_mood_is_heard_in_the_reply() -> None:
    done = next(result for result in specimens() if result.capability == "card_report_lost")
    bill = next(result for result in specimens() if result.capability == "card_bill")
    said = {mood: (await reply(bill, mood, "warm", "zh")).text for mood in get_args(Mood)}
    assert len(set(said.values())) >= 5
    assert said["angry"].index("抱歉") < said["angry"].index("云杉星河白金卡")
    frightened = (await reply(done, "anxious", "warm", "zh")).text
    assert frightened.index("冻结") < frightened.index("缓口气"), "act first, then comfort"
