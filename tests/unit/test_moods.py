"""Anger and haste are heard where they are, and hardly anywhere else."""

from __future__ import annotations

import pytest

from bot.moods import felt, heard_in, is_pressed
from intents.capability import catalog

HUMAN = ("complaint", "human_agent")


def _share(angry: bool) -> float:
    examples = [
        example.text
        for name, capability in catalog().items()
        if (name == "complaint") is angry and (angry or name not in HUMAN)
        for example in capability.parsed_examples()
    ]
    return sum(map(is_pressed, examples)) / len(examples)


def test_of_a_thousand_ordinary_messages_at_most_two_are_taken_for_upset_or_hurried() -> None:
    assert _share(angry=False) <= 0.002


def test_a_complaint_is_many_times_as_often_angry_as_an_ordinary_message() -> None:
    assert _share(angry=True) >= 30 * _share(angry=False)


@pytest.mark.parametrize(
    "text",
    [
        "气死我了，你们什么破服务",
        "说了多少遍了还是不行",
        "急死我了，钱还没到",
        "this is ridiculous",
        "I am stranded abroad and my card does not work",
        "还不还我钱！！！",
    ],
)
def test_anger_and_haste_are_heard_in_both_languages(text: str) -> None:
    assert is_pressed(text)


@pytest.mark.parametrize(
    "text",
    [
        "我妈的卡丢了怎么办",
        "想换个空气炸锅要多少积分",
        "到期再滚一次",
        "how many times can I withdraw",
        "我急用钱，能贷多少",
    ],
)
def test_words_that_only_look_like_it_are_not_taken_for_it(text: str) -> None:
    assert not is_pressed(text)


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("你们这破银行，气死我了", "angry"),
        ("我的卡丢了，好怕被人盗刷", "anxious"),
        ("I am worried, my wallet is gone", "anxious"),
        ("急死了，赶紧告诉我余额", "hurried"),
        ("这账单我看不懂", "puzzled"),
        ("I don't understand this fee", "puzzled"),
        ("太好了，那再帮我查查积分", "cheerful"),
        ("查一下余额", None),
        ("", None),
    ],
)
def test_the_mood_of_a_message_is_heard_in_its_words(text: str, mood: str | None) -> None:
    assert heard_in(text) == mood


def test_a_strong_feeling_outlives_the_message_that_told_of_it_and_is_not_new_each_time() -> None:
    mood, age = felt("气死我了", "calm", 0)
    assert (mood, age) == ("angry", 1)
    mood, age = felt("查一下余额", mood, age)
    assert (mood, age) == ("angry", 2)
    mood, age = felt("垃圾银行", mood, age)
    assert (mood, age) == ("angry", 3)
    assert felt("查一下余额", mood, age) == ("calm", 0)
    assert felt("太好了", "angry", 1) == ("cheerful", 1)
    assert felt("查一下余额", "puzzled", 1) == ("calm", 0)
