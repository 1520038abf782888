"""The gateway: one deadline for everything, one retry that names the error, a breaker, and odd services survived."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

import httpx2
import pytest

from backends.http.breaker import Breaker
from responses.draft import Draft
from responses.gates.refusal import Refusal
from responses.gateway import Completion, Gateway, ModelFailure, OpenAIProvider, Request, Upstream
from responses.prompting import Message, Prompt, prompt_for, prompt_version
from responses.scripted import LYING, MODES, Mode, ScriptedModel, draft_in, rewritten, say
from responses.scripted_server import create_engine
from responses.verify import verify
from tests.unit.responses_samples import audience, bill, source

DRAFT = source(bill())
PROMPT = prompt_for(DRAFT, audience())
REQUEST = Request(PROMPT, 1.0)
BROKEN = Refusal("number", 0, 2, "三千")


class Says:
    """A provider that says one thing after another; an exception is raised, a number of seconds is slept."""

    name = "says"

    def __init__(self, *answers: str | float | Exception) -> None:
        self.answers = list(answers)
        self.prompts: list[Prompt] = []

    async def complete(self, request: Request) -> Completion:
        self.prompts.append(request.prompt)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return Completion("late", self.name)
        return Completion(answer, self.name)


def refusing(*bad: str) -> Callable[[str], Sequence[Refusal]]:
    return lambda text: [BROKEN] if text in bad else []


async def test_a_good_first_draft_is_taken():
    model = Says("good")
    got = await Gateway(model).rewrite(PROMPT, refusing())
    assert (got.text, got.attempts, got.verdict, got.refused) == ("good", 1, "passed", ())


async def test_a_refused_draft_is_tried_once_more_with_the_error_named():
    model = Says("要三千。", "good")
    got = await Gateway(model).rewrite(PROMPT, refusing("要三千。"))
    assert (got.text, got.attempts, got.verdict, got.refused) == ("good", 2, "passed", (BROKEN,))
    told = model.prompts[1].messages
    assert told[-2] == Message("assistant", "要三千。")
    assert "三千" in told[-1].content
    assert "数字" in told[-1].content


async def test_after_two_refusals_there_is_no_text():
    got = await Gateway(Says("bad", "bad", "good")).rewrite(PROMPT, refusing("bad"))
    assert (got.text, got.attempts, got.verdict, len(got.refused)) == (None, 2, "refused", 2)


@pytest.mark.parametrize("failure", ["", "  \n", ModelFailure("no content"), RuntimeError("bug"), ValueError("json")])
async def test_a_failure_is_tried_once_more_and_never_raised(failure):
    got = await Gateway(Says(failure, "good")).rewrite(PROMPT, refusing())
    assert (got.text, got.attempts) == ("good", 2)
    got = await Gateway(Says(failure, failure)).rewrite(PROMPT, refusing())
    assert (got.text, got.verdict) == (None, "unavailable")


async def test_the_deadline_holds_for_all_attempts_together():
    loop = asyncio.get_running_loop()
    began = loop.time()
    got = await Gateway(Says(5.0, "good"), deadline=0.2).rewrite(PROMPT, refusing())
    assert got.text is None
    assert (got.attempts, got.verdict) == (1, "unavailable")
    assert loop.time() - began < 1.0


async def test_a_retry_is_not_begun_when_the_time_is_nearly_up():
    class Slow(Says):
        async def complete(self, request: Request) -> Completion:
            await asyncio.sleep(0.15)
            return await super().complete(request)

    model = Slow("bad", "good")
    got = await Gateway(model, deadline=0.25).rewrite(PROMPT, refusing("bad"))
    assert (got.text, got.attempts, got.verdict) == (None, 1, "refused")
    assert len(model.prompts) == 1


async def test_the_turn_is_cancelled_through_the_gateway():
    task = asyncio.create_task(Gateway(Says(30.0), deadline=20).rewrite(PROMPT, refusing()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_probe_through_later():
    clock = Clock()
    model = Says(*[ModelFailure("down")] * 3, "good", "good")
    gateway = Gateway(Upstream(model, Breaker(failures=3, cool_down=30, clock=clock)))
    await gateway.rewrite(PROMPT, refusing())
    await gateway.rewrite(PROMPT, refusing())
    assert len(model.prompts) == 3
    shut = await gateway.rewrite(PROMPT, refusing())
    assert (shut.attempts, shut.verdict, len(model.prompts)) == (0, "unavailable", 3)
    clock.now += 31
    beside = await gateway.rewrite(PROMPT, refusing())
    assert (beside.text, beside.attempts) == (None, 0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(model.prompts) == 4
    assert (await gateway.rewrite(PROMPT, refusing())).text == "good"


def test_while_the_probe_is_out_nobody_else_is_let_through():
    clock = Clock()
    breaker = Breaker(failures=1, cool_down=30, clock=clock)
    breaker.record(answered=False)
    clock.now += 31
    assert [breaker.admits(), breaker.admits()] == [True, False]
    breaker.record(answered=True)
    assert breaker.admits()


async def test_a_lying_model_does_not_open_the_breaker():
    model = Says(*["bad"] * 12)
    gateway = Gateway(Upstream(model, Breaker(failures=3)))
    for _ in range(6):
        await gateway.rewrite(PROMPT, refusing("bad"))
    assert len(model.prompts) == 12


# -- the prompt ----------------------------------------------------------------------------


def test_a_prompt_is_versioned_by_its_content_and_says_nothing_of_who_the_customer_is():
    assert PROMPT.version == prompt_version()
    elder = prompt_for(DRAFT, audience(age=75, mood="anxious"))
    assert elder.messages[0] == PROMPT.messages[0]
    assert elder.messages[1] != PROMPT.messages[1]
    assert "75" not in str(elder.messages)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("rule", ["figure_ungrounded", "figure_changed", "figure_missing"])
def test_a_retry_does_not_tell_the_model_a_value(rule, language):
    again = prompt_for(source(bill(), language), audience(language)).again("x", [Refusal(rule, 0, 9, "1,234.56元")])
    assert "1,234.56" not in str(again.messages)
    assert len(again.messages) == 4


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_draft_can_be_read_out_of_the_request(language):
    prompt = prompt_for(source(bill(), language), audience(language))
    assert draft_in(prompt.messages[1].content) == (prompt.draft, language)
    assert draft_in("no draft here") is None


# -- the scripted model --------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_honest_model_varies_and_keeps_every_placeholder(language):
    draft = source(bill(), language)
    texts = {rewritten(draft.text, language, turn) for turn in range(24)}
    assert len(texts) >= 12
    for text in texts:
        assert verify(text, draft, [bill()], language) == ()


LIES: dict[Mode, set[str]] = {
    "changed_digit": {"number", "placeholder_missing"},
    "chinese_numeral": {"number"},
    "added_promise": {"promised_return", "added_certainty"},
    "dropped_figure": {"placeholder_missing"},
    "false_done": {"completion"},
    "prompt_leak": {"leak", "placeholder_missing"},
    "cut": {"placeholder_unknown"},
    "unknown_placeholder": {"placeholder_unknown"},
    "doubled_placeholder": {"placeholder_doubled"},
    "wrong_language": {"language"},
    "html": {"markup"},
}


@pytest.mark.parametrize("mode", LIES)
def test_each_lie_is_the_lie_it_is_called(mode):
    text = say(mode, DRAFT.text, "zh", PROMPT.instructions, 0)
    rules = {refusal.rule for refusal in verify(text, DRAFT, [bill()], "zh", instructions=PROMPT.instructions)}
    assert rules >= LIES[mode]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("mode", [mode for mode in LYING if mode not in ("empty", "stalled", "dropped_figure")])
def test_a_lie_is_a_lie_where_there_is_nothing_to_change(mode, language):
    plain = Draft("好的，还有什么可以帮您？" if language == "zh" else "All right. How can I help you?", {})
    text = say(mode, plain.text, language, PROMPT.instructions, 1)
    assert verify(text, plain, [bill()], language, instructions=PROMPT.instructions)


async def test_an_empty_model_fails_and_a_stalled_one_never_answers():
    with pytest.raises(ModelFailure):
        await ScriptedModel("empty").complete(REQUEST)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ScriptedModel("stalled").complete(REQUEST), 0.02)


# -- OpenAI-compatible services ------------------------------------------------------------


def provider(
    answer: Callable[[httpx2.Request], httpx2.Response] | None = None, mode: Mode = "honest"
) -> OpenAIProvider:
    """A provider whose service is *answer*, or the scripted engine in *mode*."""
    transport = (
        httpx2.MockTransport(answer) if answer else httpx2.ASGITransport(create_engine(mode))  # type: ignore[arg-type]
    )
    return OpenAIProvider("http://model.test/v1", "tiny", transport=transport)


def completion(content: object, finish: str | None = "stop", **message: object) -> httpx2.Response:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
    return httpx2.Response(
        200, json={"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    )


async def test_a_service_is_asked_once_with_our_words_and_its_content_is_the_draft():
    asked: list[dict[str, object]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(json.loads(request.content))
        return completion("好的。")

    assert (await provider(answer).complete(REQUEST)).text == "好的。"
    assert asked[0]["model"] == "tiny"
    assert asked[0]["messages"] == [{"role": each.role, "content": each.content} for each in PROMPT.messages]
    assert not asked[0].get("stream")


SHAPES: list[Callable[[httpx2.Request], httpx2.Response]] = [
    lambda request: completion(""),
    lambda request: completion(None),
    lambda request: completion(None, reasoning_content="让我想想"),
    lambda request: completion("<think>让我想想</think>"),
    lambda request: completion("您好，您的账单", finish="length"),
    lambda request: completion("", finish="content_filter"),
    lambda request: httpx2.Response(200, json={"id": "1", "object": "chat.completion", "choices": []}),
    lambda request: httpx2.Response(200, text="<html>gateway</html>"),
    lambda request: httpx2.Response(200, json={"error": "busy"}),
    lambda request: httpx2.Response(200, content=b"\xff\xfe{", headers={"content-type": "application/json"}),
    lambda request: httpx2.Response(429, json={"error": {"message": "slow down"}}),
    lambda request: httpx2.Response(500, text="oops"),
]


@pytest.mark.parametrize("shape", range(len(SHAPES)))
async def test_every_odd_shape_of_a_service_leads_to_the_template(shape):
    got = await Gateway(provider(SHAPES[shape])).rewrite(PROMPT, lambda text: [])
    assert got.text is None
    assert got.verdict == "unavailable"


async def test_thoughts_before_the_answer_are_cut_off():
    thinking = provider(lambda request: completion("<think>嗯\n</think>\n好的。", reasoning_content="嗯"))
    assert (await thinking.complete(REQUEST)).text == "好的。"


async def test_an_unreachable_service_is_a_failure_and_not_an_error():
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    with pytest.raises(ModelFailure):
        await provider(refuse).complete(REQUEST)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "stalled"])
async def test_the_scripted_engine_speaks_the_protocol(mode):
    gateway = Gateway(provider(mode=mode))
    got = await gateway.rewrite(
        PROMPT, lambda text: verify(text, DRAFT, [bill()], "zh", instructions=PROMPT.instructions)
    )
    assert got.verdict == ("passed" if mode == "honest" else "unavailable" if mode in ("empty", "cut") else "refused")
    await gateway.upstreams[0].provider.close()  # type: ignore[attr-defined]
