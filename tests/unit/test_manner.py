"""What is said around a reply: once, in its place, and never twice in a conversation."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import Iterator

import pytest

from backends.result import Fact, Result
from backends.values import Count, Money
from responses import check
from responses.audience import Audience, Mood
from responses.check import SAMPLE_TIME
from responses.compose import compose
from responses.gateway import Completion, Gateway, Request
from responses.library import TemplateFile, Wording
from responses.persona import persona
from responses.phrases import choose, key, keys_of, lead, remembered
from responses.reply import Language, Reply
from tests.unit.responses_samples import audience, bill, result

HONORIFIC = Fact.of(
    "honorific", "陈女士", source="account", as_of=SAMPLE_TIME, kind="name", sensitivity="personal", english="Ms Chen"
)
HOTLINE = Fact.of("hotline", "400-820-9966", source="rule", as_of=SAMPLE_TIME, kind="digits")
BALANCE = result("account_balance", "found", without=("fx_balance",), balance=Money.of("18250.36"))


def said(told: Result, to: Audience, **how: object) -> Reply:
    return asyncio.run(compose([told], to, now=SAMPLE_TIME, rules={"hotline": HOTLINE}, **how))


def conversation(results: list[Result], to: Audience) -> Iterator[Reply]:
    """The replies of one conversation, each to somebody who has heard those before."""
    for number, told in enumerate(results):
        reply = said(told, to.model_copy(update={"variation": number, "greeted": number > 0}))
        to = to.model_copy(update={"said": remembered(to.said, reply.how.phrases)})
        yield reply


@pytest.mark.parametrize(
    ("hour", "greeting"),
    [(6, "早上好"), (10, "上午好"), (12, "中午好"), (15, "下午好"), (20, "晚上好"), (2, "您好")],
)
def test_the_first_reply_greets_by_the_hour_in_beijing(hour: int, greeting: str) -> None:
    now = dt.datetime(2026, 11, 21, hour, tzinfo=dt.timezone(dt.timedelta(hours=8))).astimezone(dt.UTC)
    assert greeting in said(BALANCE, audience(honorific=HONORIFIC, greeted=False, now=now)).text.split("。")[0]


def test_a_stranger_is_greeted_too_and_a_greeting_is_never_doubled() -> None:
    assert said(BALANCE, audience(greeted=False)).text.startswith("下午好。")
    assert said(BALANCE, audience("en", greeted=False)).text.startswith("Good afternoon. ")
    hello = said(Result(capability="greet", outcome="plain"), audience(greeted=False)).text
    assert "下午好" not in hello
    assert "下午好" not in said(BALANCE, audience(greeted=True)).text


def test_who_says_hello_first_is_called_by_name_and_who_says_it_again_is_not() -> None:
    hello = Result(capability="greet", outcome="plain")
    assert "陈女士" in said(hello, audience(honorific=HONORIFIC, greeted=False)).text
    assert "陈女士" not in said(hello, audience(honorific=HONORIFIC, greeted=True)).text


def test_nothing_is_offered_before_what_must_be_said() -> None:
    told = BALANCE.model_copy(update={"disclosures": ("wealth_risk",)})
    assert said(told, audience(age=72)).text.count("\n") == said(told, audience()).text.count("\n")
    assert "400-820-9966" not in said(told, audience(age=72)).text


def test_an_anger_is_acknowledged_once_and_not_again() -> None:
    first = said(BALANCE, audience(mood="angry"))
    again = said(BALANCE, audience(mood="angry", mood_answered=True))
    assert persona().says("apology", first.text) or "不痛快" in first.text
    assert not persona().says("apology", again.text)


def test_a_reply_that_is_sorry_itself_is_not_sorry_twice() -> None:
    unavailable = Result(capability="account_balance", outcome="unavailable")
    for variation in range(4):
        text = said(unavailable, audience(mood="angry", variation=variation)).text
        assert sum(text.count(word) for word in ("抱歉", "不好意思", "对不起")) == 1, text


def test_a_frightened_customer_hears_what_matters_first_and_comfort_behind_it() -> None:
    done = result("card_report_lost", "done")
    text = said(done, audience(mood="anxious")).text
    assert text.startswith(said(done, audience()).text)
    assert len(text) > len(said(done, audience()).text)


def test_an_older_customer_is_offered_the_telephone_once_in_a_conversation() -> None:
    replies = list(conversation([BALANCE, bill(), BALANCE, bill()], audience(age=72)))
    assert sum("400-820-9966" in reply.text for reply in replies) == 1
    offered = next(reply for reply in replies if "400-820-9966" in reply.text)
    assert next(span for span in offered.evidence if span.name == "hotline").source == "rule"


def test_nothing_stands_around_a_code_a_fraud_warning_or_words_of_another_system() -> None:
    for told in (
        result("fx_buy", "code_sent"), result("fraud_security", "first_steps"), result("branch", "foreign"), result("fx_buy", "pending"),
    ):  # fmt: skip
        assert said(told, audience(mood="angry", age=72)).text == said(told, audience(age=72)).text


def test_a_question_stays_the_end_of_a_reply() -> None:
    for mood in ("calm", "anxious", "angry", "cheerful", "puzzled"):
        asked = said(Result(capability="fx_buy", outcome="ask_amount"), audience(mood=mood, age=72)).text
        assert asked.rstrip().endswith(("呢？", "就行。")), asked


def test_a_small_channel_has_no_room_for_more_than_the_matter() -> None:
    web, wechat = (said(BALANCE, audience(mood="cheerful", channel=channel)).text for channel in ("web", "wechat-kf"))
    assert len(wechat) < len(web)
    assert not any(mark in wechat for mark in ("**", "`", "#", "](")), "no markup in a bubble"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("mood", ["calm", "anxious", "angry", "cheerful", "puzzled"])
def test_no_phrase_around_a_reply_comes_twice_in_a_conversation(mood: Mood, language: Language) -> None:
    around = {key(phrase) for spoken, phrase in persona().phrases() if spoken == language}
    told = [BALANCE, bill(), result("card_limit", "found"), result("fx_quota", "found"), result("branch", "found")] * 3
    heard: list[str] = []
    for reply in conversation(told, audience(language, mood=mood, honorific=HONORIFIC)):
        heard += [phrase for phrase in reply.how.phrases if phrase in around]
    assert len(heard) == len(set(heard))


def test_two_replies_in_a_row_never_open_with_the_same_words() -> None:
    told = [result("card_limit", "found"), BALANCE, bill(), result("fx_quote", "found"), bill(), BALANCE, bill()]
    for start in range(6):
        texts = [reply.text for reply in conversation(told[start:] + told[:start], audience(variation=start))]
        for before, after in itertools.pairwise(texts):
            assert not lead(after) or lead(before) != lead(after), (before, after)


def test_what_is_asked_again_is_answered_in_other_words_while_there_are_any() -> None:
    to, texts = audience(), []
    for _ in range(3):
        reply = said(BALANCE, to)
        to = to.model_copy(update={"said": remembered(to.said, reply.how.phrases)})
        texts.append(reply.text.split("。")[0])
    assert len(set(texts)) == 3


def test_the_same_conversation_says_the_same_again() -> None:
    told = [BALANCE, bill(), bill()]
    first, again = (
        [reply.text for reply in conversation(told, audience(mood="puzzled", honorific=HONORIFIC))] for _ in range(2)
    )
    assert first == again
    assert len({said(bill(), audience(variation=seed)).text for seed in range(6)}) > 1


def test_a_formal_customer_hears_no_familiar_word() -> None:
    for mood in ("angry", "cheerful", "puzzled", "anxious"):
        for seed in range(6):
            text = said(bill(), audience(tier="private", mood=mood, variation=seed)).text
            assert not persona().is_informal(text, "zh"), text


class Talker:
    """A model that says what it is told to, with the placeholders of the draft behind it."""

    name = "talker"

    def __init__(self, opening: str) -> None:
        self.opening = opening

    async def complete(self, request: Request) -> Completion:
        return Completion(f"{self.opening}{request.prompt.draft}", self.name)


@pytest.mark.parametrize("opening", ["您好，", "亲爱的，", "下午好！"])
def test_a_model_may_not_greet_again_nor_have_a_habit_that_the_persona_has_not(opening: str) -> None:
    reply = said(BALANCE, audience(), gateway=Gateway(Talker(opening), deadline=30), freedom="free")
    assert opening not in reply.text
    assert {span.rule for span in reply.how.refused} & {"greeting", "habit", "unvouched"}
    assert (
        said(BALANCE, audience(), gateway=Gateway(Talker("这就告诉您，"), deadline=30), freedom="free").how.verdict
        == "passed"
    )


def test_a_model_may_not_open_as_the_reply_before_did() -> None:
    heard = said(BALANCE, audience(), gateway=Gateway(Talker("这就告诉您，"), deadline=30), freedom="free").how.phrases
    again = said(BALANCE, audience(said=heard), gateway=Gateway(Talker("这就告诉您，"), deadline=30), freedom="free")
    assert {span.rule for span in again.how.refused} == {"repeated"}


def test_a_template_or_phrase_with_a_habit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fond = Wording(zh=("亲爱的，这就查。", "这就查。"), en=("Looking it up.", "One moment."))
    monkeypatch.setattr(check, "library", lambda: {"card_bill": TemplateFile(outcomes={"found": fond})})
    assert any("never says '亲爱的'" in problem for problem in check.check_templates({}))
    assert persona().habits("You are my sweetheart", "en") == ["sweetheart"]
    assert persona().habits("The honeymoon rate", "en") == []


def test_a_conversation_remembers_stock_phrases_and_no_fact() -> None:
    assert keys_of("查到了：{balance}。还有要查的吗？") == (
        key("查到了：{balance}。还有要查的吗？"), key("查到了"), key("还有要查的吗？"),
    )  # fmt: skip
    assert remembered(("a", "b"), ("a", "c")) == ("b", "a", "c")


@pytest.mark.parametrize("seed", range(4))
def test_of_equivalent_phrases_the_one_unheard_is_chosen_then_the_one_heard_longest_ago(seed: int) -> None:
    a, b, c = "查到了：{x}。", "帮您看了，{x}。", "您有{x}。还查别的吗？"

    def chosen(*said: str, of: tuple[str, ...] = (a, b, c)) -> str:
        return choose(of, audience(variation=seed, said=said), keys_of)

    assert chosen(*keys_of(a), *keys_of(c)) == b
    assert chosen(*keys_of(b), *keys_of(c), *keys_of(a)) == b
    twice = "帮您看了，{x}。还查别的吗？"
    heard = (key("帮您看了"), key("还查别的吗？"), key("查到了"))
    assert chosen(*heard, of=(a, twice)) == twice, "the reply before opened as the other does"
    assert chosen(key("还查别的吗？"), key("好"), of=(b, c)) == b, "part of it was said"
    assert chosen(of=(a, b, c)) == (a, b, c)[seed % 3]


def test_the_tone_is_the_customers() -> None:
    assert audience(age=60).tone == "elder"
    assert audience(age=59).tone == "warm"
    assert audience(tier="private").tone == "formal"
    assert audience(mood="hurried").tone == "brief"
    told = Audience.of(
        (Fact.of("age", Count(61, "year"), source="t", as_of=SAMPLE_TIME),),
        language="zh", channel="wecom", greeted=True, now=SAMPLE_TIME, variation=0,
    )  # fmt: skip
    assert (told.tone, told.room) == ("elder", "wechat")


def test_an_older_customer_hears_the_hotline_behind_a_model_s_words_too_and_once() -> None:
    elder = audience(age=72)
    model = Gateway(Talker(""), deadline=30)
    first = said(BALANCE, elder, gateway=model)
    assert first.how.verdict == "passed"
    assert HOTLINE.value in first.text
    assert HOTLINE.value in [span.value for span in first.evidence]
    again = said(BALANCE, elder.model_copy(update={"said": first.how.phrases}), gateway=model)
    assert HOTLINE.value not in again.text
    young = said(BALANCE, audience(), gateway=model)
    assert HOTLINE.value not in young.text
