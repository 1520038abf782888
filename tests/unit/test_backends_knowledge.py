"""The bank's written answers: strictly read, found by their questions, stated with the rules of the day, kept in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from backends.action import ActionCall
from backends.knowledge import check
from backends.knowledge.actions import Knowledge
from backends.knowledge.answers import Answer, read_answers
from backends.knowledge.bm25 import Bm25
from backends.knowledge.measure import curve, held_out
from backends.knowledge.pgvector import _LIKENESS, _PUT, PgVectors
from backends.knowledge.service import Library, is_clear
from backends.knowledge.vectors import ExactVectors, Vector, unit
from backends.local import LocalActions
from backends.registry import KNOWLEDGE, searching
from backends.result import Result
from bot.store import open_database
from tests.bank import BANK_NOW, caller, said
from tests.conftest import NOWHERE

TODAY = dt.date(2026, 11, 21)


def entry(slug: str, **changes: Any) -> dict[str, Any]:
    """An answer on activating a card, as a file has it."""
    return {
        "id": f"card_activate.{slug}",
        "intent": "card_activate",
        "questions": {"zh": ["新卡怎么激活", "收到卡了在哪儿启用"], "en": ["how do I activate my card", "switch on a new card"]},
        "answer": {"zh": "请在手机银行点“启用”，热线{hotline}。", "en": "Tap “Activate” in the app, hotline {hotline}."},
        "source": {"zh": "云杉银行章程第8条", "en": "Spruce Bank terms, section 8"},
        "owner": "银行卡部",
        "effective_from": dt.date(2026, 1, 1),
        "reviewed_on": dt.date(2026, 11, 2),
        **changes,
    }  # fmt: skip


def answer(slug: str = "where", **changes: Any) -> Answer:
    return Answer.model_validate(entry(slug, **changes))


TIME = answer(
    "time",
    questions={"zh": ["激活以后多久能用", "启用后马上能刷吗"], "en": ["when does it work once activated", "can I pay right after"]},
    answer={"zh": "启用成功后即可消费。", "en": "It can be used for payments once it is active."},
)  # fmt: skip
BASE = (answer(links=("card_replace",)), TIME)


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[LocalActions]:
    """The bank's actions with ``BASE`` as all that is written; its tables are not needed."""
    engine = open_database(None, tmp_path, "bank")
    yield LocalActions(engine, lambda: BANK_NOW, searching(Library(BASE)))
    await engine.dispose()


async def asked(bank: LocalActions, question: str, **given: Any) -> Result:
    call = ActionCall(name="card_activate", input={"question": question, **given})
    return await bank.run(call, caller(None))


# -- reading -------------------------------------------------------------------------------


def test_what_the_bank_has_written_can_be_read() -> None:
    assert len(read_answers()) >= 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"answer": {"zh": "请在手机银行启用。"}}, "en"),
        ({"answer": {"zh": "打{hotline}。", "en": "Call us."}}, "states"),
        ({"answer": {"zh": "打{hotline。", "en": "Call {hotline."}}, "broken placeholder"),
        ({"answer": {"zh": "打[[{hotline}]]。", "en": "Call [[{hotline}]]."}}, "broken placeholder"),
        ({"answer": {"zh": " ", "en": "x"}}, "at least 1"),
        ({"questions": {"zh": ["怎么激活", "如何启用"], "en": ["how"]}}, "at least 2"),
        ({"id": "card_pin.where"}, "is not card_activate"),
        ({"effective_to": dt.date(2025, 1, 1)}, "ends before"),
        ({"owner": ""}, "owner"),
        ({"acts": ["want"]}, "acts"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_an_answer_that_is_not_whole_is_refused_by_the_name_of_its_file(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    (tmp_path / "card_activate.yml").write_text(yaml.safe_dump([entry("where") | change], allow_unicode=True), "utf-8")
    with pytest.raises(ValueError, match=r"card_activate\.yml") as refused:
        read_answers(tmp_path)
    assert complaint in str(refused.value)


def test_an_answer_stands_once_and_in_the_file_of_its_intent(tmp_path: Path) -> None:
    twice = yaml.safe_dump([entry("where"), entry("where")], allow_unicode=True)
    (tmp_path / "card_activate.yml").write_text(twice, "utf-8")
    with pytest.raises(ValueError, match="there twice"):
        read_answers(tmp_path)
    (tmp_path / "card_activate.yml").unlink()
    (tmp_path / "card_pin.yml").write_text(yaml.safe_dump([entry("where")], allow_unicode=True), "utf-8")
    with pytest.raises(ValueError, match="belongs to card_activate"):
        read_answers(tmp_path)


# -- finding -------------------------------------------------------------------------------


@given(st.text(max_size=60), st.lists(st.text(max_size=30), max_size=5))
def test_likeness_lies_between_nothing_and_the_same(question: str, texts: list[str]) -> None:
    scores = Bm25([*texts, question]).likeness(question)
    assert all(0 <= score <= 1 for score in scores)
    assert scores[-1] == max(scores)


def test_words_that_every_question_has_make_no_two_alike() -> None:
    assert Bm25(["请问怎么可以吗", "how do I do it"]).likeness("我怎么可以") == [0, 0]


async def test_a_question_finds_its_answer_in_either_language() -> None:
    library = Library(BASE)
    for question, language in (("新卡怎么激活", "zh"), ("HOW do I activate my card?", "en")):
        found = await library.search("card_activate", question, language, TODAY)  # type: ignore[arg-type]
        assert found[0].answer.id == "card_activate.where"
        assert library.given(found, language) == found[0].answer  # type: ignore[arg-type]


async def test_another_intents_answers_are_never_found() -> None:
    assert await Library(BASE).search("card_pin", "新卡怎么激活", "zh", TODAY) == []


@pytest.mark.parametrize(
    ("day", "holds"),
    [("2026-01-31", False), ("2026-02-01", True), ("2026-02-28", True), ("2026-03-01", False)],
)
async def test_an_answer_is_given_from_its_first_day_to_its_last(day: str, holds: bool) -> None:
    library = Library([answer(effective_from=dt.date(2026, 2, 1), effective_to=dt.date(2026, 2, 28))])
    assert bool(await library.search("card_activate", "新卡怎么激活", "zh", dt.date.fromisoformat(day))) is holds


async def test_of_two_equal_answers_the_one_for_the_act_comes_first() -> None:
    library = Library([answer("explain"), answer("act", acts=["do"])])
    for act, first in (("ask", "card_activate.explain"), ("do", "card_activate.act")):
        found = await library.search("card_activate", "新卡怎么激活", "zh", TODAY, act)  # type: ignore[arg-type]
        assert found[0].answer.id == first


def test_an_answer_is_clear_when_it_is_certain_or_well_ahead_of_the_next() -> None:
    assert is_clear(0.96, 0.95, 0.3)
    assert not is_clear(1.0, 1.0, 0.3)
    assert is_clear(0.4, 0.2, 0.3)
    assert not is_clear(0.4, 0.35, 0.3)
    assert not is_clear(0.29, 0.0, 0.3)


async def test_measuring_holds_every_wording_out_and_trades_silence_for_errors() -> None:
    found = await held_out(BASE)
    assert len(found) == sum(len(each.questions[language]) for each in BASE for language in ("zh", "en"))
    points = list(curve(found, [0.0, 0.5, 1.1]))
    assert [(point.right, point.wrong, point.invented) for point in points[2:]] == [(0, 0, 0)]
    assert points[0].right >= points[1].right


# -- meaning -------------------------------------------------------------------------------


class Synonyms:
    """An embedder for which 开通 and 激活 mean the same, and nothing else does."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, text: str, /) -> Vector:
        self.read.append(text)
        about = ("激活" in text or "开通" in text, "多久" in text or "马上" in text, "在哪儿" in text)
        return np.array([*map(float, about), 0.01], dtype=np.float32)


async def test_an_embedder_finds_what_no_letter_is_shared_with() -> None:
    question = "开通"
    by_letters = await Library(BASE).search("card_activate", question, "zh", TODAY)
    assert by_letters[0].score == 0
    by_meaning = await Library(BASE, Synonyms()).search("card_activate", question, "zh", TODAY)
    assert (by_meaning[0].answer.id, by_meaning[0].score > 0.1) == ("card_activate.where", True)


async def test_what_is_known_is_embedded_once() -> None:
    embedder = Synonyms()
    library = Library(BASE, embedder)
    for _ in range(2):
        await library.search("card_activate", "开通", "zh", TODAY)
    wordings = [text for each in BASE for text in each.questions.zh]
    assert sorted(embedder.read) == sorted([*wordings, "开通", "开通"])


async def test_exact_vectors_give_the_cosine_of_those_asked_for() -> None:
    index = ExactVectors()
    await index.put(
        {"a": np.array([3, 0], np.float32), "b": np.array([0, 2], np.float32), "z": np.zeros(2, np.float32)}
    )
    assert await index.likeness(np.array([5, 0], np.float32), ["a", "b", "z", "unknown"]) == {"a": 1, "b": 0, "z": 0}
    assert await index.likeness(np.array([5, 0], np.float32), []) == {}


def test_vectors_in_postgresql_are_compared_as_vectors_and_by_bound_parameters() -> None:
    assert ":model" in str(_PUT)
    assert "ON CONFLICT (model, key) DO UPDATE" in str(_PUT)
    assert "CAST(:embedding AS vector)" in str(_LIKENESS)
    assert "<#>" in str(_LIKENESS)


async def test_vectors_in_postgresql_are_as_near_as_those_in_memory(postgres_with_vectors: str) -> None:
    engine = open_database(postgres_with_vectors % "postgres", NOWHERE)
    index, exact = PgVectors(engine, "m"), ExactVectors()
    await index.prepare()
    random = np.random.default_rng(7)
    kept = {str(number): random.normal(size=8).astype(np.float32) for number in range(20)}
    for each in (index, exact):
        await each.put(kept)
        await each.put({"0": kept["1"]})
    question = random.normal(size=8).astype(np.float32)
    here, there_ = [await each.likeness(question, ["0", "5", "9", "none"]) for each in (exact, index)]
    assert here == pytest.approx(there_, abs=1e-5)
    assert await PgVectors(engine, "another model").likeness(question, ["0"]) == {}
    await engine.dispose()


@given(st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=6))
def test_a_vector_is_made_one_long_or_left_at_nothing(numbers: list[float]) -> None:
    length = float(np.linalg.norm(unit(np.array(numbers, np.float32))))
    assert length == pytest.approx(1, abs=1e-4) or not any(abs(number) > 1e-18 for number in numbers)


# -- answering -----------------------------------------------------------------------------


async def test_an_answer_comes_with_its_source_its_review_and_the_rules_it_states(bank: LocalActions) -> None:
    result = await asked(bank, "新卡怎么激活")
    assert result.outcome == "answered"
    assert said(result) == {
        "answer": BASE[0].answer.zh,
        "source_text": "云杉银行章程第8条",
        "reviewed_on": "2026-11-02",
        "hotline": "400-820-9966",
    }
    assert {fact.name: fact.source for fact in result.facts}["hotline"] == "rule"
    assert result.fact("answer").spoken("en") == BASE[0].answer.en
    assert [(choice.slot, choice.value) for choice in result.choices] == [("intent", "card_replace")]


async def test_what_else_may_have_been_meant_is_offered_beside_an_answer(tmp_path: Path) -> None:
    questions = {"zh": ["新卡怎么激活啊急", "柜台能启用新卡"], "en": ["activate at a branch", "activate at the desk"]}
    library = Library([*BASE, answer("counter", questions=questions, answer={"zh": "可以去网点。", "en": "Visit us."})])
    engine = open_database(None, tmp_path, "bank")
    result = await asked(LocalActions(engine, lambda: BANK_NOW, searching(library)), "新卡怎么激活")
    await engine.dispose()
    assert (result.outcome, said(result)["answer"]) == ("answered", BASE[0].answer.zh)
    offered = [(choice.value, [fact.value for fact in choice.facts]) for choice in result.choices]
    assert offered[0] == ("新卡怎么激活啊急", ["新卡怎么激活啊急"])


async def test_what_is_not_clear_is_offered_as_what_may_be_meant(bank: LocalActions) -> None:
    result = await asked(bank, "启用")
    assert result.outcome == "close"
    assert {choice.value for choice in result.choices} <= {text for each in BASE for text in each.questions.zh}


@pytest.mark.parametrize("question", ["", "   ", "今天天气", "xyzzy", "。！？"])
async def test_what_nobody_has_written_about_is_not_known(bank: LocalActions, question: str) -> None:
    result = await asked(bank, question)
    assert (result.outcome, result.facts, result.choices) == ("unknown", (), ())


async def test_the_one_action_answers_about_any_capability(bank: LocalActions) -> None:
    call = ActionCall(name="knowledge", input={"question": "新卡怎么激活", "about": "card_activate"})
    assert (await bank.run(call, caller(None))).outcome == "answered"
    elsewhere = call.model_copy(update={"input": {"question": "新卡怎么激活"}})
    assert (await bank.run(elsewhere, caller(None))).outcome == "unknown"


@pytest.mark.parametrize(
    ("question", "given"),
    [("请问新卡怎么激活？", True), ("激活新卡", True), ("激活", False), ("新卡多久到", False)],
)
async def test_beside_another_system_only_what_was_nearly_asked_is_answered(
    bank: LocalActions, question: str, given: bool
) -> None:
    call = ActionCall(name="knowledge", input={"question": question, "about": "card_activate"})
    assert ((await bank.run(call, caller(None))).outcome == "answered") is given


async def test_a_long_message_is_read_as_far_as_it_needs(bank: LocalActions) -> None:
    assert (await asked(bank, "新卡怎么激活" + "啊" * 3000)).outcome == "answered"


def test_each_capability_of_knowledge_is_served_under_its_own_name() -> None:
    actions = searching(Library(()))
    assert [actions[name].name for name in KNOWLEDGE] == list(KNOWLEDGE)
    assert all(isinstance(actions[name], Knowledge) for name in KNOWLEDGE)


# -- checking ------------------------------------------------------------------------------


async def found(*known: Answer) -> list[str]:
    return await check.problems(
        known, TODAY, intents={"card_activate"}, served={"card_replace"}
    )  # fmt: skip


async def test_nothing_is_wrong_with_answers_that_are_in_order() -> None:
    assert await found(*BASE) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"effective_to": dt.date(2026, 11, 20)}, "expired on 2026-11-20"),
        ({"effective_from": dt.date(2026, 11, 22)}, "not in force before 2026-11-22"),
        ({"reviewed_on": dt.date(2025, 11, 20)}, "last reviewed on 2025-11-20"),
        ({"reviewed_on": dt.date(2026, 11, 22)}, "last reviewed on 2026-11-22"),
        ({"links": ["card_points"]}, "offers 'card_points'"),
        ({"answer": {"zh": "打{no_rule}。", "en": "Call {no_rule}."}}, "no_rule"),
        ({"answer": {"zh": "热线{hotline}9。", "en": "Call {hotline}."}}, "is a figure"),
        ({"answer": {"zh": "工本费5元。", "en": "The fee applies."}}, "'5元' is a figure"),
        ({"answer": {"zh": "三个工作日内启用。", "en": "Soon."}}, "is a figure"),
        ({"answer": {"zh": "尽快启用。", "en": "Within three days."}}, "is a figure"),
        ({"intent": "card_pin", "id": "card_pin.where"}, "no capability 'card_pin'"),
    ],
)
async def test_each_thing_wrong_with_an_answer_is_named(change: dict[str, Any], named: str) -> None:
    assert any(named in problem for problem in await found(answer(**change)))


async def test_the_day_a_year_after_its_review_an_answer_still_holds() -> None:
    assert await found(answer(reviewed_on=dt.date(2025, 11, 21))) == []


async def test_one_question_with_two_answers_is_a_contradiction() -> None:
    other = answer(
        "other", questions={"zh": ["新卡怎么激活？", "旧卡换新后呢"], "en": ["what of renewals", "and an old one"]}
    )
    assert any("asked of card_activate.other too" in problem for problem in await found(BASE[0], other))


async def test_answers_that_follow_one_another_in_time_do_not_contradict() -> None:
    before = answer("before", effective_to=dt.date(2026, 6, 30))
    after = answer("after", effective_from=dt.date(2026, 7, 1))
    assert not any("asked of" in problem for problem in await found(before, after))


async def test_an_answer_that_its_own_questions_do_not_lead_to_is_unreachable() -> None:
    hidden = answer("hidden")
    problems = await found(BASE[0], hidden)
    assert any(problem.startswith("card_activate.hidden (zh): none of its questions") for problem in problems)
