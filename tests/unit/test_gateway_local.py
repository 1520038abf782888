"""A model in this process: a tiny one of random weights, made here, heard as it speaks, and stopped in time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from responses.gateway import Completion, Delta, ModelFailure, Request
from responses.gateway.local import LocalModel
from responses.gateway.providers import Entry, open_provider
from responses.prompting import prompt_for
from tests.unit.responses_samples import audience, bill, source

pytestmark = pytest.mark.train
PROMPT = prompt_for(source(bill()), audience())
LETTERS = "abcdefgh"
TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as ``save_pretrained`` writes it."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {name: number for number, name in enumerate(["<unk>", "<end>", *LETTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<end>", chat_template=TEMPLATE
    )
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(vocabulary), **size, eos_token_id=1, bos_token_id=None, pad_token_id=0)
    made = tmp_path_factory.mktemp("model")
    LlamaForCausalLM(config).save_pretrained(made)
    fast.save_pretrained(made)
    return made


@pytest.fixture
async def model(folder: Path):
    opened = open_provider(Entry(name="tiny", kind="transformers", path=folder, temperature=1.0))
    assert isinstance(opened, LocalModel)
    yield opened
    await opened.close()


async def heard(model: LocalModel, seed: int) -> tuple[str, Completion]:
    said = ""
    async for piece in model.stream(Request(PROMPT, 20, seed=seed)):
        if isinstance(piece, Completion):
            return said, piece
        said += piece.text
    raise AssertionError("no end")


async def test_it_is_heard_as_it_speaks_and_the_same_seed_says_the_same(model: LocalModel):
    said: dict[int, str] = {}
    for seed in range(8):
        try:
            text, end = await heard(model, seed)
        except ModelFailure:
            continue  # at random it has nothing to say, too
        assert text == end.text
        assert end.generator == "tiny"
        assert end.usage is not None
        assert end.usage.tokens_in > 10
        assert len(text.split()) < end.usage.tokens_out
        said[seed] = text
    assert len(set(said.values())) > 2
    for seed, text in said.items():
        assert (await model.complete(Request(PROMPT, 20, seed=seed))).text == text


async def test_it_stops_when_its_time_is_up_and_when_nobody_listens(model: LocalModel, monkeypatch):
    with pytest.raises(ModelFailure) as cut:
        await model.complete(Request(PROMPT, 0.0))
    assert cut.value.usage is not None
    assert cut.value.usage.tokens_out <= 2
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    generate = model._generate

    def watched(*given):
        try:
            return generate(*given)
        finally:
            loop.call_soon_threadsafe(ended.set)

    monkeypatch.setattr(model, "_generate", watched)
    stream = model.stream(Request(PROMPT, 600))
    assert isinstance(await anext(stream), Delta)
    await stream.aclose()
    await asyncio.wait_for(ended.wait(), 10)


async def test_what_goes_wrong_in_its_thread_is_raised_where_somebody_waits(model: LocalModel, monkeypatch):
    def broken(*given):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(model, "_generate", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        await model.complete(Request(PROMPT, 5))
