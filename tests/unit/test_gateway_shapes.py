"""Every odd way in which a model service answers, on a real socket: a text, or a failure in time, and what it took."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing

import httpx2
import pytest

from backends.http.breaker import Breaker
from responses.draft import required
from responses.gateway import Completion, Delta, Gateway, ModelFailure, OpenAIProvider, Request, Upstream
from responses.gateway.compatible import MAX_BYTES
from responses.gateway.thoughts import Thoughts
from responses.prompting import prompt_for
from responses.scripted_server import RETRY_AFTER, SHAPES, Shape, create_engine
from tests.server import serving
from tests.unit.responses_samples import audience, bill, source

DRAFT = source(bill())
PROMPT = prompt_for(DRAFT, audience())
FACTS = required(DRAFT)
SPOKEN: dict[Shape, bool] = {
    "plain": True, "usage_with_the_last_words": True, "usage_apart": True, "usage_unbelievable": False, "no_usage": False,
    "reasoning": True,
}  # fmt: skip
"""The shapes that hold a text, and whether they say what it took."""
ONLY_STREAMED_BADLY: frozenset[Shape] = frozenset({"unfinished"})
DEADLINE = {"drip": 0.3}


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    """A service that answers in the shape that its model is called by."""
    with serving(create_engine("honest")) as url:
        yield f"{url}/v1"


@pytest.fixture
async def ask(engine: str):
    """A provider for a shape."""
    opened: list[OpenAIProvider] = []

    def provider(shape: str) -> OpenAIProvider:
        opened.append(OpenAIProvider(engine, shape))
        return opened[-1]

    yield provider
    for each in opened:
        await each.close()


async def streamed(provider: OpenAIProvider, seconds: float) -> tuple[str, Completion]:
    said = ""
    async with asyncio.timeout(seconds), aclosing(provider.stream(Request(PROMPT, seconds))) as pieces:
        async for piece in pieces:
            if isinstance(piece, Completion):
                return said, piece
            said += piece.text
    raise AssertionError("no end")


@pytest.mark.parametrize("shape", SHAPES)
async def test_whole_or_not_at_all(shape: Shape, ask):
    request = Request(PROMPT, DEADLINE.get(shape, 5.0))
    asking = asyncio.wait_for(ask(shape).complete(request), request.seconds)
    if shape in SPOKEN or shape in ONLY_STREAMED_BADLY:
        got = await asking
        assert required(got.text) == FACTS
        assert "客户想知道" not in got.text
        assert got.usage is not None
        assert got.usage.estimated is (SPOKEN.get(shape) is False)
        if not got.usage.estimated:
            assert got.usage.tokens_in == len(DRAFT.text)
    else:
        with pytest.raises((ModelFailure, TimeoutError)):
            await asking


@pytest.mark.parametrize("shape", SHAPES)
async def test_streamed_to_its_end_or_not_at_all(shape: Shape, ask):
    seconds = DEADLINE.get(shape, 5.0)
    if shape in SPOKEN:
        said, end = await streamed(ask(shape), seconds)
        assert said == end.text
        assert required(said) == FACTS
        assert "客户想知道" not in said
        assert end.usage is not None
        assert end.usage.estimated is not SPOKEN[shape]
    else:
        with pytest.raises((ModelFailure, TimeoutError)):
            await streamed(ask(shape), seconds)


async def test_a_slow_drip_ends_with_the_deadline_and_the_template_follows(ask):
    loop = asyncio.get_running_loop()
    gateway = Gateway(ask("drip"), deadline=0.3)
    began = loop.time()
    got = await gateway.rewrite(PROMPT, lambda text: [])
    assert (got.text, got.verdict) == (None, "unavailable")
    with pytest.raises(ModelFailure):
        async for _ in gateway.stream(PROMPT):
            pass
    assert loop.time() - began < 5


class Endless(httpx2.AsyncBaseTransport, httpx2.AsyncByteStream):
    """A service whose answer does not end by itself, and how much of it was taken."""

    taken = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=self, headers={"Content-Type": "text/event-stream"})

    async def __aiter__(self):
        while self.taken < 4 * MAX_BYTES:
            self.taken += 1 << 16
            yield b" " * (1 << 16)


@pytest.mark.parametrize("way", ["complete", "stream"])
async def test_no_more_is_taken_of_an_endless_answer_than_the_longest_has(way: str):
    service = Endless()
    provider = OpenAIProvider("http://model.test/v1", "m", transport=service)
    with pytest.raises(ModelFailure):
        await (provider.complete(Request(PROMPT, 5)) if way == "complete" else streamed(provider, 5))
    assert service.taken <= MAX_BYTES + (1 << 16)
    await provider.close()


async def test_a_service_that_asks_to_be_left_alone_is_left_alone_for_so_long(ask):
    now = [100.0]
    busy = Upstream(ask("busy"), Breaker(failures=3, cool_down=1, clock=lambda: now[0]))
    await Gateway(busy, deadline=5).rewrite(PROMPT, lambda text: [])
    assert busy.state() == "open"
    now[0] += RETRY_AFTER - 0.1
    assert busy.state() == "open"
    now[0] += 0.2
    assert busy.state() == "ok"


async def test_a_date_to_wait_for_is_left_to_the_breaker(ask):
    with pytest.raises(ModelFailure) as raised:
        await ask("busy_until_a_date").complete(Request(PROMPT, 5))
    assert raised.value.rest is None


async def test_what_was_cut_is_paid_for_and_what_never_arrived_is_not(ask):
    with pytest.raises(ModelFailure) as cut:
        await streamed(ask("cut_stream"), 5)
    assert cut.value.usage is not None
    assert cut.value.usage.estimated
    assert cut.value.usage.tokens_out > 0
    with pytest.raises(ModelFailure) as refused:
        await OpenAIProvider("http://127.0.0.1:9/v1", "m").complete(Request(PROMPT, 5))
    assert refused.value.usage is None


async def test_a_model_without_a_word_leaves_the_turn_to_the_next(ask):
    gateway = Gateway(ask("empty"), ask("html"), ask("plain"), deadline=5)
    got = await gateway.rewrite(PROMPT, lambda text: [])
    assert (got.verdict, got.generator, got.attempts) == ("passed", "plain", 3)
    pieces = [piece async for piece in gateway.stream(PROMPT)]
    assert isinstance(pieces[-1], Completion)
    assert {piece.generator for piece in pieces} == {"plain"}


async def test_a_stream_that_broke_off_after_its_first_word_is_not_begun_again_by_another(ask):
    heard: list[Delta | Completion] = []

    async def listen() -> None:
        async for piece in Gateway(ask("cut_stream"), ask("plain"), deadline=5).stream(PROMPT):
            heard.append(piece)

    with pytest.raises(ModelFailure):
        await listen()
    assert {(type(piece), piece.generator) for piece in heard} == {(Delta, "cut_stream")}


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("<think>嗯\n</think>\n\n好的。", "好的。"),
        ("  <think></think>好的。", "好的。"),
        ("好的。<think>", "好的。<think>"),
        ("<thin 好的", "<thin 好的"),
        ("<think>没完", ""),
        ("<think>完</think>\n", ""),
        ("<th", "<th"),
    ],
)
def test_thoughts_are_cut_off_however_the_text_is_cut(text: str, spoken: str, size: int):
    thoughts = Thoughts()
    said = "".join(thoughts.without(text[start : start + size]) for start in range(0, len(text), size))
    assert said + thoughts.rest() == spoken
