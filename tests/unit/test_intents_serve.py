"""The released model as the conversation uses it."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intents.capability import catalog, slot_types
from intents.scorer import RELEASE, Calibration, intent_probabilities
from intents.serve import Understander, language_of, to_json
from intents.understanding import Context, Understanding

TODAY = dt.date(2026, 11, 21)
READER = Understander()


def read(text: str, **known: str) -> Understanding:
    return READER.understand(text, Context(today=TODAY, **known))


def test_serving_imports_neither_torch_nor_transformers() -> None:
    code = "import sys, intents.serve, intents.evaluate; print([m for m in ('torch', 'transformers', 'sklearn', 'onnx') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_a_release_loads_in_a_second() -> None:
    began = time.perf_counter()
    assert Understander().release
    assert time.perf_counter() - began < 1.0


def test_the_release_knows_exactly_the_catalogue() -> None:
    labels = json.loads((RELEASE / "labels.json").read_text("utf-8"))
    assert labels["intents"] == list(catalog())
    assert labels["slots"] == list(slot_types())


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("查一下我的信用卡账单", "card_bill"),
        ("那额度呢", "card_limit"),
        ("美元汇率多少", "fx_rate"),
        ("我要换五百美金", "fx_buy"),
        ("100美元等于多少人民币", "fx_quote"),
        ("购汇额度还剩多少", "fx_quota"),
        ("信用卡丢了，赶紧挂失", "card_report_lost"),
        ("推荐几款稳健的理财", "wealth_recommend"),
        ("附近有网点吗", "branch"),
        ("转人工", "human_agent"),
        ("我要投诉", "complaint"),
        ("你好", "greet"),
        ("谢谢", "thanks"),
        ("是的", "affirm"),
        ("算了", "deny"),
        ("今天天气怎么样", "out_of_scope"),
        ("show me my credit card bill", "card_bill"),
        ("what is the dollar exchange rate", "fx_rate"),
        ("I want to buy 500 US dollars", "fx_buy"),
        ("I lost my credit card", "card_report_lost"),
        ("I want to talk to a person", "human_agent"),
    ],
)
def test_plain_messages_are_understood(text: str, intent: str) -> None:
    assert read(text).top == intent


def test_asking_how_is_not_asking_to_do() -> None:
    assert read("怎么挂失").act == "ask"
    assert read("我卡丢了，帮我挂失").act == "do"


def test_two_currencies_are_one_question() -> None:
    understood = read("美元多少了，顺便看看欧元")
    assert understood.top == "fx_rate"
    assert [slot.normalized for slot in understood.slots] == ["USD", "EUR"]


def test_a_value_that_was_asked_for_is_understood_as_the_answer() -> None:
    understood = read("八百", awaiting="amount", capability="fx_buy")
    assert understood.top == "fx_buy"
    assert [(slot.slot, slot.normalized) for slot in understood.slots] == [("amount", "800")]


@pytest.mark.parametrize("text", ["", "   ", "？？", "👍", "。。。", "🙏🙏"])
def test_what_says_nothing_is_out_of_scope(text: str) -> None:
    understood = read(text)
    assert not understood.in_scope
    assert [score.name for score in understood.intents] == ["out_of_scope"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.sampled_from([None, "zh", "en"]), st.sampled_from([None, "amount", "confirm", "code"]))
def test_any_text_gets_a_sound_answer(text: str, language: str | None, awaiting: str | None) -> None:
    understood = READER.understand(
        text, Context(today=TODAY, language=language, awaiting=awaiting, capability="fx_buy")
    )
    assert 1 <= len(understood.intents) <= 2
    assert all(0 <= score.confidence <= 1 for score in (*understood.intents, *understood.ranking))
    assert all(text[slot.start : slot.end] == slot.value for slot in understood.slots)
    assert understood.in_scope == (understood.top != "out_of_scope")
    if not understood.in_scope:
        assert len(understood.intents) == 1


def test_a_very_long_message_is_answered() -> None:
    assert read("我想查一下信用卡账单" * 300).intents


def test_the_same_message_always_gets_the_same_answer() -> None:
    assert read("美元汇率") == Understander().understand("美元汇率", Context(today=TODAY))


@pytest.mark.parametrize(
    ("text", "before", "language"),
    [("查账单", "en", "zh"), ("my bill", "zh", "en"), ("check一下bill", None, "zh"), ("800", "en", "en"), ("8888", None, "zh"), ("ok", "zh", "zh"), ("ok", None, "en")],
)  # fmt: skip
def test_the_language_is_that_of_the_words_else_of_the_conversation(
    text: str, before: str | None, language: str
) -> None:
    assert language_of(text, before) == language


def test_the_json_is_what_the_command_promises() -> None:
    said = to_json(read("换五百美金"))
    assert list(said) == ["text", "language", "in_scope", "act", "intents", "slots"]
    assert set(said["intents"][0]) == {"name", "confidence"}
    assert set(said["slots"][0]) == {"slot", "start", "end", "value", "normalized"}


def test_the_two_opinions_are_mixed_as_probabilities() -> None:
    own, ngram = np.array([2.0, 0.0], dtype=np.float32), np.array([0.0, 2.0], dtype=np.float32)
    mixed = intent_probabilities(own, ngram, Calibration(ngram_share=0.5))
    assert mixed.tolist() == pytest.approx([0.5, 0.5])
    assert intent_probabilities(own, ngram, Calibration(ngram_share=0.0))[0] == pytest.approx(1 / (1 + np.exp(-2)))
