"""The writer: its constraint holds whatever the model says, it learns, and it serves what was trained."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.models import open_models
from bot.parts import utc_now
from responses.audience import Audience
from responses.check import SAMPLE_TIME
from responses.draft import PLACEHOLDER, Draft
from responses.gateway import ModelFailure, Request
from responses.gateway.providers import Entry
from responses.phrases import keys_of, remembered
from responses.prompting import Matter, Prompt, prompt_for
from responses.writer.decode import How, Logits, OutOfTime, Sampler
from responses.writer.pairs import PAIRS, Pair, pairs
from responses.writer.plan import Plan
from responses.writer.recital import Recital
from responses.writer.rehearsal import refusals, staged, watching
from responses.writer.serve import Writer, plans_of
from responses.writer.session import RELEASE, Release
from responses.writer.tokens import END, MARKS, MASKED, Vocabulary
from tests.unit.test_import_rules import TRAINING_ONLY, loaded_by

LINES = ("您尾号的信用卡，本期还需还，请在前还款。", "Your card ending is due on, please pay by then.", "两张卡一起还")
FACTS = ("card_tail", "card_name", "remaining_due", "due_date", "hotline")
BILL = Plan("card_bill", "found", ("card_name", "card_tail", "remaining_due", "due_date"))


@cache
def vocabulary() -> Vocabulary:
    """A small vocabulary."""
    return Vocabulary.learn([(line, 3) for line in LINES], FACTS, size=600)


class Noise:
    """A model that says anything: the logits of each place are drawn by *seed*, with *spread*."""

    def __init__(self, seed: int, spread: float = 4.0) -> None:
        self._seed = seed
        self._spread = spread
        self.read_behind: list[int] = []

    def read(self, ids: Sequence[int], kept: int) -> Logits:
        self.read_behind.append(kept)
        drawn = np.random.default_rng((self._seed, kept, *ids)).normal(0, self._spread, vocabulary().size)
        return drawn.astype(np.float32)


def sampler(model: Noise) -> Sampler:
    """A sampler that may say all words."""
    every = range(vocabulary().size)
    return Sampler(model, vocabulary(), {"zh": every, "en": every})


def said(text: str) -> list[str]:
    """The placeholders of a text."""
    return list(PLACEHOLDER.findall(text))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    spread=st.sampled_from([0.0, 1.0, 30.0]),
    given_=st.lists(st.sampled_from(FACTS), max_size=9),
    language=st.sampled_from(["zh", "en"]),
    longest=st.integers(12, 60),
)
def test_whatever_the_model_says_every_placeholder_comes_as_often_as_it_must_and_no_other(
    seed, spread, given_, language, longest
):
    drawn = sampler(Noise(seed, spread)).draw(
        Plan("card_bill", "found", tuple(given_), language), seed=seed, how=How(longest=longest)
    )
    assert Counter(said(drawn.text)) == Counter(given_)
    assert drawn.tokens <= longest
    assert not any(mark in drawn.text for mark in MARKS)


def test_two_facts_of_one_name_come_in_their_order():
    numbered = ("card_tail", "card_tail_2", "card_tail_3")
    for seed in range(10):
        drawn = sampler(Noise(seed)).draw(Plan("card_bill", "found", numbered), seed=seed, how=How(longest=30))
        assert tuple(said(drawn.text)) == numbered


def test_a_conversation_hears_the_same_again_and_another_one_something_else():
    texts = [sampler(Noise(1)).draw(BILL, seed=seed, how=How(longest=40)).text for seed in (5, 5, 6)]
    assert texts[0] == texts[1] != texts[2]


def test_only_the_words_of_a_language_are_said():
    words = vocabulary().encode("您的信用卡，请还款。")
    drawn = Sampler(Noise(3), vocabulary(), {"zh": words, "en": []}).draw(BILL, seed=1, how=How(longest=60))
    assert set(PLACEHOLDER.sub("", drawn.text)) <= set("您的信用卡，请还款。")


def test_a_word_the_watch_objects_to_is_taken_back_and_the_memory_with_it():
    words = vocabulary().encode("您的信用卡两，。")
    model = Noise(3)

    def no_two(text: str, whole: bool) -> int | None:
        return text.find("两") if "两" in text else None

    writer = Sampler(model, vocabulary(), {"zh": words, "en": []})
    seeds = range(20)
    unwatched = [writer.draw(BILL, seed=seed, how=How(longest=60)).text for seed in seeds]
    watched = [writer.draw(BILL, seed=seed, how=How(longest=60, rewinds=99), watch=no_two) for seed in seeds]
    assert any("两" in text for text in unwatched)
    assert not any("两" in drawn.text for drawn in watched)
    assert all(Counter(said(drawn.text)) == Counter(BILL.given) for drawn in watched)
    assert any(later < before for before, later in zip(model.read_behind, model.read_behind[1:], strict=False) if later)


class Chain:
    """A model that says of each character what comes next: the first of *after*, else the second, and behind all the end."""

    def __init__(self, after: Mapping[str, str]) -> None:
        self._after = after

    def read(self, ids: Sequence[int], kept: int) -> Logits:
        logits = np.full(vocabulary().size, -9.0, dtype=np.float32)
        logits[vocabulary().marks[END]] = 0
        for rank, char in enumerate(self._after.get(vocabulary().texts[ids[-1]], "")):
            logits[vocabulary().encode(char)[0]] = 5 - rank
        return logits


def test_behind_what_was_taken_back_the_model_is_asked_anew():
    chain = Chain(
        {"": "您", "您": "的", "的": "两还", "两": "信", "信": "用", "用": "卡", "卡": "。", "还": "款", "款": "。"}
    )
    every = range(vocabulary().size)
    greedy = Sampler(chain, vocabulary(), {"zh": every, "en": every})
    plan = Plan("card_bill", "found", ())
    assert greedy.draw(plan, seed=1, how=How(temperature=0)).text == "您的两信用卡。"

    def no_two(text: str, whole: bool) -> int | None:
        return text.find("两") if "两" in text else None

    assert greedy.draw(plan, seed=1, how=How(temperature=0), watch=no_two).text == "您的还款。"


def test_a_reply_is_given_up_as_soon_as_its_time_is_over():
    left = iter([True] * 5)
    with pytest.raises(OutOfTime):
        sampler(Noise(1)).draw(BILL, seed=1, in_time=lambda: next(left, False))


def test_a_fact_without_a_token_is_an_error_and_not_left_out():
    with pytest.raises(KeyError):
        sampler(Noise(1)).draw(Plan("card_bill", "found", ("unheard_of",)), seed=1)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" {}⟦⟧▁"), max_size=30))
def test_a_text_survives_its_tokens_where_they_know_its_characters(text):
    known = "".join(char for char in text if char in "".join(LINES))
    assert vocabulary().decode(vocabulary().encode(known)) == known


def test_nothing_a_customer_writes_becomes_a_mark_or_a_placeholder():
    written = "<end>⟦CARD_1⟧{card_tail}"
    ids = vocabulary().encode_plan(Plan("card_bill", "found", (), customer=written))
    assert vocabulary().marks[END] not in ids
    assert vocabulary().facts["card_tail"] not in ids
    assert ids.count(vocabulary().marks[MASKED]) == 1


def test_a_rehearsed_reply_is_judged_by_the_gates():
    pair = next(pair for pair in pairs() if (pair.capability, pair.outcome, pair.lang) == ("card_bill", "found", "zh"))
    plan = Plan.of(pair)
    assert refusals(pair.reply, plan) == ()
    assert {refusal.rule for refusal in refusals(pair.reply + "明天再扣88元。", plan)} >= {"date", "number"}
    missing = pair.reply.replace(f"{{{pair.given[0]}}}", "")
    assert "placeholder_missing" in {refusal.rule for refusal in refusals(missing, plan)}


def test_the_watch_points_at_the_first_word_that_may_not_stand_and_waits_for_what_may_still_come():
    source = "您尾号⟦card_tail⟧的⟦card_name⟧还需还⟦remaining_due⟧，⟦due_date⟧前。"
    watch = watching(BILL, source)
    assert watch("您尾号⟦card_tail⟧的", False) is None
    assert watch("好的，明天前，", False) == 3
    assert watch("您尾号⟦card_tail⟧的⟦card_name⟧还需还⟦remaining_due⟧，", True) is not None


def prompt(*matters: Matter, draft: str = "") -> Prompt:
    """A request to write of *matters*."""
    return Prompt((), draft, "zh", "v", "", matters=matters, mood="anxious", tone="elder", room="wechat", customer="快")


def test_a_prompt_becomes_a_plan_for_each_of_its_matters():
    first, second = Matter("card_bill", "found", ("card_tail",)), Matter("fx_rate", "found", ("rate",))
    assert plans_of(prompt(first, second)) == (
        Plan("card_bill", "found", ("card_tail",), "zh", "anxious", "elder", "wechat", "快"),
        Plan("fx_rate", "found", ("rate",), "zh", "anxious", "elder", "wechat", "快"),
    )


WRITTEN = Recital(pairs())
CALM = next(
    pair for pair in pairs() if (pair.mood, pair.tone, pair.lang) == ("calm", "warm", "zh") and len(pair.given) == 2
)


def test_a_written_reply_is_said_again_only_with_exactly_the_facts_at_hand():
    asked = Plan.of(CALM)
    found = WRITTEN.fitting(asked, 1)
    assert found
    assert all(Counter(said(text)) == Counter(asked.given) for text in found)
    assert WRITTEN.fitting(replace(asked, given=(*asked.given, "hotline")), 1) == []


def test_a_written_reply_is_said_only_in_moods_and_tones_that_it_is_right_in():
    hurt = {"anxious", "angry", "cheerful"}
    for number, pair in enumerate(pairs()[::40]):
        plan = replace(Plan.of(pair), mood="calm", tone="formal")
        for text in WRITTEN.fitting(plan, number):
            reply = text.replace("⟦", "{").replace("⟧", "}")
            mine = [each for each in pairs() if each.reply == reply]
            assert any(each.mood not in hurt and each.tone in ("formal", "warm") for each in mine), reply


def test_what_one_customer_said_is_not_told_to_another():
    about = {"capability": "transfer_status", "outcome": "arrived", "lang": "zh", "tone": "warm", "channel": "web"}
    rent = Pair.model_validate(
        {
            **about,
            "mood": "calm",
            "customer": "给房东的转到没",
            "given": ["amount"],
            "reply": "房东那边已经有{amount}了。",
        }
    )
    plain = Pair.model_validate(
        {**about, "mood": "calm", "customer": "钱呢", "given": ["amount"], "reply": "对方账户里已经有{amount}了。"}
    )
    # Among many replies neither 房东 nor 对方 is everybody's word.
    written = Recital([rent, plain, *pairs()[:600]])
    plan = Plan("transfer_status", "arrived", ("amount",), customer="转账到了没")
    mine = [
        reply
        for reply in (rent.reply, plain.reply)
        if reply.replace("{", "⟦").replace("}", "⟧") in written.fitting(plan, 1)
    ]
    assert mine == [plain.reply]
    told = written.fitting(replace(plan, customer="房东的租金"), 1)
    assert rent.reply.replace("{", "⟦").replace("}", "⟧") in told


def test_a_conversation_hears_the_same_written_reply_again_and_others_hear_others():
    plan = Plan("affirm", "plain", ())
    assert WRITTEN.fitting(plan, 3) == WRITTEN.fitting(plan, 3)
    assert len({WRITTEN.fitting(plan, seed)[0] for seed in range(40)}) >= 5


def test_a_conversation_does_not_hear_a_written_reply_twice_while_there_are_others():
    plan, said, told = Plan("affirm", "plain", ()), (), []
    for _ in range(8):
        told.append(WRITTEN.fitting(plan, 3, said)[0])
        said = remembered(said, keys_of(told[-1]))
    assert len(set(told)) == len(told)


def test_who_was_angry_and_has_had_an_apology_is_told_as_who_is_calm():
    angry = Audience(now=SAMPLE_TIME, mood="angry")
    asked = [
        prompt_for(Draft("还需还。", {}), angry.model_copy(update={"mood_answered": met})).mood for met in (False, True)
    ]
    assert asked == ["angry", "calm"]


def test_who_says_nearly_the_same_as_was_answered_once_mostly_hears_that_answer():
    pair = next(pair for pair in pairs() if pair.capability == "chitchat" and pair.mood == "calm" and pair.lang == "zh")
    first = [WRITTEN.fitting(Plan.of(pair), seed)[0] for seed in range(20)]
    assert first.count(pair.reply) > 10


async def test_without_a_release_only_what_people_wrote_is_said():
    writer = Writer(pairs=pairs())
    draft = staged(Plan.of(CALM))[0][0].text
    asked = replace(
        prompt(Matter(CALM.capability, CALM.outcome, CALM.given), draft=draft), mood="calm", tone="warm", room="web"
    )
    answer = await writer.complete(Request(asked, 5, "card_bill", 1))
    assert answer.text.replace("⟦", "{").replace("⟧", "}") in {pair.reply for pair in pairs()}
    unheard = replace(asked, matters=(Matter(CALM.capability, CALM.outcome, ("hotline",)),))
    with pytest.raises(ModelFailure, match="no written reply fits"):
        await writer.complete(Request(unheard, 5, "card_bill", 1))
    await writer.close()


async def test_a_writer_without_words_for_one_plan_is_asked_for_the_next(database):
    asked = replace(
        prompt(Matter(CALM.capability, CALM.outcome, CALM.given), draft=staged(Plan.of(CALM))[0][0].text),
        mood="calm", tone="warm", room="web",
    )  # fmt: skip
    unheard = replace(asked, matters=(Matter(CALM.capability, CALM.outcome, ("hotline",)),))
    async with AsyncExitStack() as stack:
        gateway = (await open_models((Entry(name="writer", kind="writer"),), database, utc_now, stack, None)).gateway
        assert gateway is not None
        for _ in range(5):
            assert (await gateway.rewrite(unheard, lambda text: ())).verdict == "unavailable"
        assert (await gateway.rewrite(asked, lambda text: ())).verdict == "passed"


def test_what_serves_needs_nothing_that_trains():
    assert not loaded_by("import responses.writer.serve") & set(TRAINING_ONLY)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny writer, trained from scratch."""
    pytest.importorskip("torch")
    from responses.writer.training.train import Settings, Source, fit, pretrain, released

    out = tmp_path_factory.mktemp("run")
    few = out / "pairs"
    few.mkdir()
    for name in ("card_bill", "fx_rate"):
        shutil.copy(PAIRS / f"{name}.jsonl", few)
    text = out / "zh_answers.txt"
    text.write_text("请携带有效身份证件，2024年5月1日前到网点办理，手续费5元。\n" * 40, "utf-8")
    tiny = Settings(vocabulary=1400, layers=1, width=64, inner=96, rows=4, warmup=5, steps=40, epochs=2, rate=1e-2)
    pretrain(out, [Source(text)], tiny, folder=few)
    fit(out, tiny, folder=few)
    released(out, out / "release", folder=few)
    return out


@pytest.mark.train
def test_a_writer_trained_from_scratch_learns(run: Path):
    from responses.writer.training.train import Settings, pretrain

    first, then = (json.loads((run / f"{name}.json").read_text("utf-8")) for name in ("pretrained", "writer"))
    # Knowing nothing costs ln 1400 = 7.2 nats a token.
    assert then["held_out"] < first["held_out"] < 6.5
    assert pretrain(run, [], Settings(steps=10**6)) == first, "what is done is not done again"


@pytest.mark.train
def test_onnx_says_token_by_token_what_torch_says(run: Path):
    import torch

    from responses.writer.session import Session, graph_of
    from responses.writer.training.export import export_fp32
    from responses.writer.training.model import causal, load

    model = load(run / "writer.pt")
    export_fp32(model, run / "fp32.onnx")
    session = Session(graph_of(run / "fp32.onnx", 1))
    ids = Vocabulary.load(run / "tokenizer.json").encode_plan(BILL)
    kept = 0
    for _ in range(24):
        told = session.read(ids[kept:], kept)
        kept = len(ids)
        with torch.no_grad():
            expected = model.logits(model(torch.tensor([ids]), causal(kept)))[0, -1].numpy()
        np.testing.assert_allclose(told, expected, atol=1e-4)
        assert told.argmax() == expected.argmax()
        ids.append(int(expected.argmax()))
    forgotten = session.read(ids[10:12], 10)
    again = Session(graph_of(run / "fp32.onnx", 1)).read(ids[:12], 0)
    np.testing.assert_allclose(forgotten, again, atol=1e-4)


@pytest.mark.train
def test_int8_stays_near_to_what_was_trained(run: Path):
    from responses.writer.session import Session, graph_of
    from responses.writer.training.export import export_fp32
    from responses.writer.training.model import load

    export_fp32(load(run / "writer.pt"), run / "fp32.onnx")
    ids = Vocabulary.load(run / "tokenizer.json").encode_plan(BILL)
    plain, small = (Session(graph_of(path, 1)).read(ids, 0) for path in (run / "fp32.onnx", run / "release/model.onnx"))
    assert np.corrcoef(plain, small)[0, 1] > 0.99
    assert (run / "release/model.onnx").stat().st_size < (run / "fp32.onnx").stat().st_size / 2.5


@pytest.mark.train
def test_an_example_reads_nothing_of_its_neighbours_in_a_row():
    pytest.importorskip("torch")
    import torch

    from responses.writer.training.model import Decoder, Shape
    from responses.writer.training.text import Example, packed
    from responses.writer.training.train import _barred

    torch.manual_seed(0)
    model = Decoder(Shape(vocabulary().size, layers=2, width=64, inner=96))
    one, other = Example([5, 40, 41, 42, 43], 1), Example([5, 60, 61, 62], 2)

    def states(*examples: Example) -> torch.Tensor:
        batch = packed(examples, 1, 16)
        with torch.no_grad():
            return model(torch.from_numpy(batch.ids), _barred(torch.from_numpy(batch.document)).float())[0]

    assert torch.allclose(states(one, other)[5:9], states(other)[:4], atol=1e-5)
    batch = packed([one, other], 1, 16)
    assert batch.counts[0].nonzero()[0].tolist() == [0, 1, 2, 3, 6, 7]


@pytest.mark.train
def test_a_run_that_was_cut_off_draws_what_it_would_have_drawn():
    pytest.importorskip("torch")
    from copy import deepcopy

    from responses.writer.training.text import Replies, written
    from responses.writer.training.train import Mixture, Progress, Settings

    pairs_ = written(held_out=False)[:40]
    words = Vocabulary.learn(
        [(reply, 1) for _, reply in pairs_], {name for plan, _ in pairs_ for name in plan.given}, size=900
    )
    progress = Progress()
    streams = {"pairs": Replies(pairs_, words)}
    first = Mixture(streams, Settings(rows=1))
    first.batch(progress, {"pairs": 1.0})
    kept = deepcopy(progress)
    on = first.batch(progress, {"pairs": 1.0})
    again = Mixture(streams, Settings(rows=1)).batch(kept, {"pairs": 1.0})
    assert (on.ids == again.ids).all()
    assert progress == kept


def test_no_plan_is_learnt_from_and_measured_on():
    pytest.importorskip("torch")
    from responses.writer.training.text import written

    kept, learnt = ({plan.key for plan, _ in written(held_out=held_out)} for held_out in (True, False))
    assert not kept & learnt
    assert 0.06 < len(kept) / (len(kept) + len(learnt)) < 0.14


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="第付12３9.,%元年月日 ab{}⟦⟧$", max_size=30))
def test_plain_text_is_read_without_its_figures(text):
    pytest.importorskip("torch")
    import random

    from responses.writer.training.text import facts_by_kind, without_figures

    read = without_figures(text, random.Random(1))
    names = {name for kind in facts_by_kind().values() for name in kind}
    placeholders = [part.split("}")[0] for part in read.split("{")[1:]]
    assert set(placeholders) <= names
    bare = "".join(part.split("}")[-1] for part in read.split("{"))
    assert not any(char.isdigit() for char in bare)


def request(seconds: float = 5.0, seed: int = 1, given_: tuple[str, ...] = BILL.given) -> Request:
    """A request to write of a bill."""
    draft = "您尾号⟦card_tail⟧的⟦card_name⟧还需还⟦remaining_due⟧，请在⟦due_date⟧前还款。"
    return Request(prompt(Matter("card_bill", "found", given_), draft=draft), seconds, "card_bill", seed)


async def test_a_request_is_answered_outside_the_loop_s_thread_and_the_same_again(run: Path):
    threads = set()

    def clock() -> float:
        threads.add(threading.current_thread().name)
        return 0.0

    writer = Writer(run / "release", how=How(longest=40, rewinds=2), threads=1, clock=clock)
    first, again, other = [await writer.complete(request(seed=seed)) for seed in (1, 1, 2)]
    assert Counter(said(first.text)) == Counter(BILL.given)
    assert first.text == again.text != other.text
    assert first.generator == "writer"
    assert first.usage is not None
    assert any(name.startswith("writer") for name in threads)
    await writer.close()


async def test_a_writer_keeps_to_its_time_and_says_what_it_cannot_write(run: Path):
    ticks = iter(range(1000))
    late = Writer(run / "release", threads=1, clock=lambda: next(ticks))
    with pytest.raises(ModelFailure, match="too late"):
        await late.complete(request(seconds=3))
    writer = Writer(run / "release", threads=1)
    with pytest.raises(ModelFailure, match="no plan"):
        await writer.complete(Request(prompt(), 5))
    with pytest.raises(ModelFailure, match="unheard_of"):
        await writer.complete(request(given_=("unheard_of",)))
    await asyncio.gather(writer.close(), late.close())


def test_the_release_is_small_and_says_every_fact_of_a_bill_once():
    assert sum(path.stat().st_size for path in RELEASE.iterdir()) < 40_000_000
    drawn = Release(threads=1).sampler().draw(BILL, seed=1)
    assert Counter(said(drawn.text)) == Counter(BILL.given)
    assert drawn == Release(threads=1).sampler().draw(BILL, seed=1)
