"""Random conversations of two customers and a visitor, interleaved: whatever is said in whatever order, nothing is done
that was not wanted, nothing is said that nobody answered, and nobody hears of another's things.

The suite walks the same ways each time; ``TELLER_ALL_STORIES=1`` (``make test-all``) walks new ones, for minutes.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bot.app import Instead
from tests.conversations.stories import WEDNESDAY, Clock, open_bank
from tests.conversations.walk import Said, Talk, Walk

LONG = "TELLER_ALL_STORIES" in os.environ
BOUNDS = settings(
    max_examples=30 if LONG else 8,
    stateful_step_count=40 if LONG else 24,
    deadline=None,
    derandomize=not LONG,
    phases=tuple(Phase) if LONG else (Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
CUSTOMERS = ("C1004", "C1005", None)

BEGINNINGS = {
    "zh": (
        "换五百美金", "帮我买一万欧元", "卖出两百美元", "我要预约3000美元现钞", "我要买云杉日日盈，两万", "赎回云杉日日盈",
        "信用卡还款两千", "账单分期12期", "把信用卡额度提到20万", "开通自动还款", "我信用卡丢了，赶紧帮我挂失",
        "我的信用卡坏了要换一张", "有一笔交易不是我刷的", "换五百美元，顺便查一下账单", "换一百欧元，再还信用卡一千",
        "购汇怎么办理", "卡丢了要挂失",
    ),
    "en": (
        "I'd like to buy 500 US dollars", "buy 20 million euros", "sell 200 dollars", "book 1000 dollars in cash",
        "repay 2000 on my credit card", "I lost my credit card, please block it", "how do I buy foreign currency",
        "put my bill on a 12 month instalment plan", "buy 100 euros and show me my credit card bill",
        "redeem Spruce Daily", "raise my credit limit to 100000",
    ),
}  # fmt: skip
QUESTIONS = {
    "zh": (
        "查一下信用卡账单", "我的账户余额还有多少", "美元汇率多少", "那欧元呢", "那额度呢", "我今年购汇额度还剩多少",
        "尾号6634的账单", "尾号9016的信用卡额度", "尾号2375那张卡的账单", "上个月的呢", "有哪些理财产品", "上海有哪些网点",
        "我的购汇成功了吗", "密码忘了怎么办", "红烧肉怎么做好吃", "谢谢", "你能做什么", "再说一遍", "第二个", "那张卡的额度呢",
        "跟刚才一样", "气死我了，你们什么破服务", "还是刚才那笔", "最近的交易", "我的房贷还剩多少",
    ),
    "en": (
        "show me my credit card bill", "what is the euro rate", "what about pounds", "how much is left of my fx quota",
        "the bill of the card ending 9016", "my account balance", "what can you do", "thank you", "say that again",
        "the second one", "how do I bake a cake", "did my purchase go through", "same as before", "this is ridiculous!",
    ),
}  # fmt: skip
ANSWERS = {
    "zh": (
        "不对，是八百", "改成欧元", "不是那张，是尾号2375", "美元", "两千", "上海", "尾号9016", "第一个", "最低还款额", "全额",
        "12期", "旅游", "不是", "取消", "算了", "没收到验证码", "先不用", "在还没还清的那张上", "三个月",
    ),
    "en": (
        "no, make it 800", "change it to euros", "dollars", "two thousand", "Shanghai", "the card ending 6634",
        "the first one", "the minimum", "12 months", "no, not that", "cancel", "never mind", "send it again", "for travel",
    ),
}  # fmt: skip
YES = {"zh": ("确认", "好的", "是的，确认"), "en": ("yes, confirm", "yes", "go ahead")}

WORDS = st.sampled_from(
    [
        (text, language)
        for pool in (BEGINNINGS, BEGINNINGS, QUESTIONS, ANSWERS)
        for language, texts in pool.items()
        for text in texts
    ]
)
PLACES = st.integers(0, len(CUSTOMERS) - 1)


class Conversations(RuleBasedStateMachine):
    """Three conversations over one bank, in whatever order hypothesis likes."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()

    @initialize()
    def open(self) -> None:
        """A bank of its own for every walk: what one customer did yesterday is part of nobody's walk."""
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        clock = Clock(WEDNESDAY)
        service = self.run(self.stack.enter_async_context(open_bank(folder, Instead(clock=clock))))
        self.walk = Walk(service, clock, folder)
        self.talks = [self.run(self.walk.open(customer)) for customer in CUSTOMERS]

    @rule(place=PLACES, words=WORDS)
    def say(self, place: int, words: tuple[str, str]) -> None:
        """Anything that customers say."""
        self._say(self.talks[place], words[0], "words", words[1])

    @rule(place=PLACES, number=st.integers(0, 2))
    def agree(self, place: int, number: int) -> None:
        """A yes, whether or not there is anything to agree to."""
        talk = self.talks[place]
        language = talk.language or "zh"
        self._say(talk, YES[language][number], "yes", language)

    @rule(place=st.integers(0, 1), language=st.sampled_from(["zh", "en"]), number=st.integers(0, 30))
    def see_it_through(self, place: int, language: str, number: int) -> None:
        """What a write wants from its beginning to its end, unless it wants something else."""
        talk = self.talks[place]
        texts = BEGINNINGS[language]
        self._say(talk, texts[number % len(texts)], "words", language)
        self.agree(place, 0)
        self.send_the_code(place)

    @rule(place=PLACES)
    def send_the_code(self, place: int) -> None:
        """The digits on the customer's phone, if there are any."""
        talk = self.talks[place]
        code = self.run(self.walk.code(talk))
        if code is not None:
            self._say(talk, code, "code", None)

    @rule(place=PLACES, digits=st.integers(0, 999_999))
    def send_a_wrong_code(self, place: int, digits: int) -> None:
        """Six digits that are not the code."""
        talk = self.talks[place]
        if f"{digits:06}" != self.run(self.walk.code(talk)):
            self._say(talk, f"{digits:06}", "words", None)

    @rule(place=st.integers(0, 1))
    def send_the_others_code(self, place: int) -> None:
        """The other customer's code, which is worth nothing here."""
        code = self.run(self.walk.code(self.talks[1 - place]))
        if code is not None and code != self.run(self.walk.code(self.talks[place])):
            self._say(self.talks[place], code, "words", None)

    @rule(minutes=st.sampled_from([1, 4, 25]))
    def wait(self, minutes: int) -> None:
        """Quotes lapse, codes expire, forms are forgotten."""
        self.walk.clock.now += dt.timedelta(minutes=minutes)

    def teardown(self) -> None:
        """Close the bank of this walk."""
        self.run(self.stack.aclose())
        self.loop.close()

    def run(self, waiting: Coroutine[Any, Any, Any]) -> Any:
        """The result of what takes its time."""
        return self.loop.run_until_complete(waiting)

    def _say(self, talk: Talk, text: str, said: Said, language: str | None) -> None:
        self.run(self.walk.say(talk, text, said, language))


def test_whatever_is_said_nothing_unwanted_is_done_and_nothing_unfounded_is_said() -> None:
    run_state_machine_as_test(Conversations, settings=BOUNDS)
