"""Training rows: the split, the variety, the slips of typing, and the values made up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.values import read_number
from intents.capability import catalog, slot_types
from intents.conventions import tidied
from intents.lexicon import ENUM_WORDS, read_enum
from intents.normalise import normalise
from intents.training.generate import GENERATORS, chinese_number
from intents.training.noise import dice_of, edit, noisy
from intents.training.rows import Row, catalog_rows, data_hash, split
from intents.training.variety import Variety

ROWS = catalog_rows()
TRAIN, HELD = split(ROWS)
VARIETY = Variety(TRAIN)


def test_every_intent_is_trained_and_held_out() -> None:
    names = set(catalog())
    assert {row.intent for row in TRAIN} == names
    assert {row.intent for row in HELD} == names


def test_no_held_out_message_is_trained_on_under_the_same_intent() -> None:
    assert not {(row.intent, row.text) for row in TRAIN} & {(row.intent, row.text) for row in HELD}


def test_adding_an_example_moves_no_more_than_a_few_others_across_the_split() -> None:
    more = [*ROWS, Row("我要换点小众货币去旅行啦", "zh", "fx_buy", "do")]
    assert len(set(split(more)[1]) ^ set(HELD)) <= 3


def test_the_hash_tells_one_label_from_another() -> None:
    changed = [Row(ROWS[0].text, ROWS[0].language, ROWS[0].intent, ROWS[0].act, ((0, 1, "city"),)), *ROWS[1:]]
    assert data_hash(changed) != data_hash(ROWS) == data_hash(list(reversed(ROWS)))


@given(st.text("账单元 ,，8x", min_size=1, max_size=30), st.data())
def test_an_edit_outside_a_span_leaves_its_words_alone(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    at = data.draw(st.integers(0, start) | st.integers(end, len(text)))
    changed, ((first, last, _),) = edit(text, ((start, end, "amount"),), [(at, at, "新字")])
    assert changed[first:last] == text[start:end]


@given(st.integers(0, 10_000))
def test_slips_carry_every_span_along(seed: int) -> None:
    dice = dice_of(seed)
    row = dice.choice(TRAIN)
    text, spans = noisy(row.text, row.spans, row.language, dice)
    assert text.strip()
    assert [span[2] for span in spans] == [span[2] for span in row.spans]
    assert all(0 <= start < end <= len(text) for start, end, _ in spans)


@given(st.integers(0, 10_000))
def test_two_messages_in_one_keep_both_intents_and_all_slots(seed: int) -> None:
    row = VARIETY.pair(dice_of(seed))
    assert row.second != row.intent
    assert all(row.text[start:end].strip() == row.text[start:end] for start, end, _ in row.spans)


def test_a_message_without_a_partner_stays_alone() -> None:
    only = Variety([Row("查账单", "zh", "card_bill", "ask"), Row("看账单", "zh", "card_bill", "ask")])
    assert only.pair(dice_of(0)).second is None


@given(st.integers(0, 10_000))
def test_two_messages_of_one_intent_are_one_intent(seed: int) -> None:
    row = VARIETY.double(dice_of(seed))
    assert row.second is None
    assert all(row.text[start:end] for start, end, _ in row.spans)


def test_a_joint_message_is_a_doing_only_where_a_write_is_asked_for() -> None:
    rows = [Row("换五百美元", "zh", "fx_buy", "do"), Row("查账单", "zh", "card_bill", "ask")]
    assert {Variety(rows).pair(dice_of(seed)).act for seed in range(20)} == {"do"}


@pytest.mark.parametrize("slot", sorted(set(slot_types()) - set(ENUM_WORDS)))
def test_every_slot_that_is_no_enum_can_be_made_up(slot: str) -> None:
    dice = dice_of(1)
    assert all(GENERATORS[slot](dice, language).strip() for language in ("zh", "en") for _ in range(50))


def test_every_value_of_every_enum_has_words_that_read_as_it() -> None:
    enums = {name: spec.values for name, spec in slot_types().items() if spec.type == "enum"}
    assert {slot: tuple(words) for slot, words in ENUM_WORDS.items()} == enums
    for slot, by_value in ENUM_WORDS.items():
        for value, words in by_value.items():
            assert {read_enum(slot, word) for word in words} == {value}, (slot, value)


@given(st.integers(1, 99_999_999))
def test_chinese_numerals_are_read_back(number: int) -> None:
    assert read_number(chinese_number(number)) == Decimal(number)


def test_most_made_up_amounts_dates_and_terms_can_be_read() -> None:
    import datetime as dt

    dice, today = dice_of(3), dt.date(2026, 11, 21)
    for slot, share in (
        ("amount", 0.8),
        ("currency", 0.95),
        ("term", 0.95),
        ("period", 0.85),
        ("card_tail", 1.0),
        ("phone", 1.0),
    ):
        read = [normalise(slot, GENERATORS[slot](dice, "zh"), today) is not None for _ in range(200)]
        assert sum(read) / len(read) >= share, slot


def test_the_conventions_drop_the_bank_a_customer_merely_names() -> None:
    text = "农行卡怎么激活"
    assert tidied(text, [(0, 2, "bank")]) == []
    text = "转到工行要多久"
    assert tidied(text, [(2, 4, "bank")]) == [(2, 4, "bank")]


def test_the_conventions_mark_a_category_without_the_word_product_and_only_once() -> None:
    text = "理财产品和理财"
    assert tidied(text, [(0, 4, "product_type"), (5, 7, "product_type")]) == [(0, 2, "product_type")]
