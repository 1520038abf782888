"""Cues: input fields that plain words decide, and what a message that brings one takes back."""

from __future__ import annotations

import pytest

from bot.tracking import relevant_slots
from intents.capability import Capability, Cue
from intents.understanding import IntentScore, SlotValue, Understanding

PART = Cue(instead_of="amount", values={"minimum": ("最低", "minimum"), "full": ("全部", "all")})
PAY = Capability(
    name="pay", kind="query", access="customer", status="planned", zh="还款", en="pay",
    slots={"amount": {}}, cues={"part": PART}, examples={},
)  # fmt: skip


def heard(text: str, amount: str | None = None) -> Understanding:
    found = () if amount is None else (SlotValue(slot="amount", start=0, end=1, value=text[:1], normalized=amount),)
    return Understanding(
        text=text, language="zh", in_scope=True, act="do", intents=(IntentScore(name="pay", confidence=1),), slots=found
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("先还最低吧", "minimum"),
        ("pay the MINIMUM please", "minimum"),
        ("pay it all", "full"),
        ("pay it, really", None),
        ("全部还了，不是最低", "full"),
        ("不是最低，是全部", "full"),
        ("not the minimum, all of it", "full"),
        ("还款", None),
    ],
)
def test_a_cue_is_read_from_whole_words_that_are_not_denied(text: str, value: str | None) -> None:
    assert PART.read(text) == value


def test_a_cue_takes_back_the_slot_it_stands_instead_of_and_the_slot_takes_back_the_cue() -> None:
    assert relevant_slots(heard("还最低"), PAY) == {"part": ("minimum",), "amount": ()}
    assert relevant_slots(heard("还两千", "2000"), PAY) == {"part": (), "amount": ("2000",)}
    assert relevant_slots(heard("还款"), PAY) == {}


def test_a_field_cannot_be_a_slot_and_a_cue() -> None:
    with pytest.raises(ValueError, match="a slot or a cue"):
        Capability.model_validate({**PAY.model_dump(), "cues": {"amount": PART.model_dump()}})
