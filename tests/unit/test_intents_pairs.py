"""Two questions in one message: where it is cut, and when two intents are told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from intents.pairs import MOST_CUTS, cuts, two_intents
from intents.scorer import RELEASE, Calibration, Scorer

SCORER = Scorer(RELEASE)
CALIBRATION = Calibration.load(RELEASE / "thresholds.json")


def test_a_message_is_cut_at_the_words_that_join() -> None:
    assert list(cuts("查账单，顺便看看美元汇率")) == [("查账单", "顺便看看美元汇率")]
    assert list(cuts("check my bill, and also the dollar rate")) == [("check my bill", "and also the dollar rate")]


def test_without_such_words_it_is_cut_at_its_stops() -> None:
    assert list(cuts("查账单？美元汇率多少？")) == [("查账单", "美元汇率多少？")]
    assert list(cuts("查账单")) == []


@given(st.text("账单，。顺便 an", max_size=40))
def test_cuts_are_few_and_never_empty(text: str) -> None:
    found = list(cuts(text))
    assert len(found) <= MOST_CUTS
    assert all(len(part.strip()) > 1 and part in text for pair in found for part in pair)


def test_the_clauses_name_the_intents_in_the_order_of_the_message() -> None:
    found = {}
    for text in ("查一下账单，顺便看看美元汇率", "先看美元汇率，再查一下信用卡账单"):
        pair = two_intents(SCORER, text, SCORER.logits(text), CALIBRATION)
        assert pair is not None
        found[text] = pair[:2]
    assert list(found.values()) == [("card_bill", "fx_rate"), ("fx_rate", "card_bill")]


def test_one_question_is_not_told_as_two() -> None:
    for text in ("查一下账单", "美元多少了，顺便看看欧元", "你好，我的信用卡丢了，怎么办"):
        pair = two_intents(SCORER, text, SCORER.logits(text), CALIBRATION)
        assert pair is None or pair[2] < CALIBRATION.second
