"""The bench of replies: refused lies are counted, what gets past the gates is seen by others, and its figures are right."""

from __future__ import annotations

import ast
import asyncio
import datetime as dt
import json
import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import responses.bench
from backends.result import Fact, Result
from backends.rules import standing_facts
from backends.values import Money
from bot import bench_cli
from bot import bench_replies as bench
from bot.specimens import NOW
from responses import compose
from responses.audience import Audience, Mood
from responses.bench.checker import Bank, Truth, check
from responses.bench.control import control
from responses.bench.measure import GIVE_UP, Bench, Contender, Told, figures, rates, side_by_side
from responses.bench.observed import TOLD, Liar, Observed
from responses.bench.report import page
from responses.bench.scenes import CHANNELS, LANGUAGES, PEOPLE, Scene, scenes, worded
from responses.bench.variety import bleu, distinct_2, self_bleu, unfilled
from responses.gateway import Completion, Meter, ModelFailure, ModelProvider, Price, Request, Upstream, Usage
from responses.gateway.usage import Totals
from responses.pruning import RULE, Pruned
from responses.reply import Language, Verdict
from responses.scripted import Mode, ScriptedModel
from tests.unit.responses_samples import bill

RULES = standing_facts(NOW)
RESULTS = worded([bill()])
"""The results of every capability that templates know, with sample facts, and one bill."""


def some(number: int, seed: int = 1) -> list[Scene]:
    return scenes(RESULTS, number, seed=seed, now=NOW, customers={})


def told(provider: ModelProvider, scenes: Sequence[Scene], **terms: Any) -> dict[str, Any]:
    """What *provider* and the template make of *scenes*."""
    meter = Meter(NOW.date)
    contenders = [Contender("template"), Contender(provider.name, Upstream(Observed(provider), meter=meter, **terms))]
    said = asyncio.run(Bench(RULES, Bank.of(RESULTS), freedom="free").told(contenders, scenes))
    return {each.name: figures(said[each.name], each.totals(), "CNY") for each in contenders}


class Says:
    """A provider that answers every request with what *words* make of its draft."""

    def __init__(self, words: Any, usage: Usage | None = None) -> None:
        self.name, self.words, self.usage, self.asked = "says", words, usage, 0

    async def complete(self, request: Request) -> Completion:
        self.asked += 1
        said = self.words(request, self.asked)
        if isinstance(said, Exception):
            raise said
        return Completion(said, self.name, self.usage)


# -- the gates hold, and somebody would notice if they did not -----------------------------


def test_the_command_counts_lies_as_refused_lets_none_escape_and_tells_all_of_it_in_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def a_few(folder: Path) -> list[Result]:
        return [bill()]

    monkeypatch.setattr(bench, "specimens", a_few)
    asked = [
        "replies",
        "--results",
        "40",
        "--plans",
        "2",
        "--times",
        "2",
        "--lies",
        "0",
        "--honest",
        "0",
        "--freedom",
        "free",
        "--out",
        str(tmp_path),
    ]
    names = ["template", "recital", "scripted-honest", "scripted-lying"]
    done = CliRunner().invoke(bench_cli.app, [*asked, *(part for name in names for part in ("--only", name))])
    assert done.exit_code == 0, done.output
    said = json.loads((tmp_path / "replies.json").read_text("utf-8"))
    assert list(said["providers"]) == names
    template, recital, honest, lying = said["providers"].values()
    assert template["fallback"] == 0
    assert template["replies"] == honest["replies"] == lying["replies"] > 35
    assert lying["first_pass"] == 0
    assert lying["fallback"] > 0.3
    assert {RULE, "placeholder_missing"} <= lying["rules"].keys()
    assert honest["after_retry"] > 0.9
    assert 0 < recital["first_pass"] < 1
    assert recital["failures"].keys() == {"no written reply fits"}
    assert [each["wrong"]["replies"] for each in said["providers"].values()] == [0, 0, 0, 0]
    html = (tmp_path / "replies.html").read_text("utf-8")
    assert html.count("<svg") == 6
    assert not re.search(r"""(?:src|href|url)\s*[=(]|@import|<script""", html)
    assert len(said["samples"]) > 3
    for sample in said["samples"]:
        assert list(sample["said"]) == names


@pytest.fixture
def open_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is refused and nothing left out."""
    monkeypatch.setattr(compose, "verify", lambda *_, **__: ())
    monkeypatch.setattr(compose, "check_manner", lambda *_, **__: [])
    monkeypatch.setattr(compose, "prune", lambda text, *_, **__: Pruned(text))


LIES: tuple[Mode, ...] = ("changed_digit", "added_promise", "dropped_figure", "false_done", "chinese_numeral")


@pytest.mark.usefixtures("open_gates")
@pytest.mark.parametrize("mode", LIES)
def test_a_lie_that_the_gates_are_told_to_let_pass_is_caught_by_the_checker(mode: Mode) -> None:
    result = bill()
    stated = [Scene(result, each.audience) for each in some(8)]
    found = told(ScriptedModel(mode), stated)[f"scripted-{mode}"]
    assert found["first_pass"] == 1
    assert found["wrong"]["replies"] == found["wrong"]["escaped"] == len(stated)


def test_the_checker_finds_most_lies_about_figures_and_hardly_anything_in_what_people_wrote() -> None:
    lies = (
        "digit_changed",
        "fact_dropped",
        "fact_doubled",
        "signed",
        "recurrencied",
        "day_shifted",
        "scaled",
        "name_altered",
    )
    found = control([bill()], Bank.of(RESULTS), each=12, honest=60, seed=1, only=lies)
    assert found["by_kind"].keys() == set(lies)
    for name, share in found["by_kind"].items():
        hits, all_told = map(int, share.split("/"))
        assert hits >= 0.9 * all_told > 9, name
    assert sum(each["told"] for each in found["lies"].values()) == 12 * len(lies)
    assert found["honest"]["replies"] == 60
    assert found["honest"]["alarms"] <= 2


@pytest.mark.usefixtures("open_gates")
def test_the_command_fails_where_something_wrong_was_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def a_few(folder: Path) -> list[Result]:
        return [bill()]

    monkeypatch.setattr(bench, "specimens", a_few)
    monkeypatch.setattr(bench, "Liar", lambda: Liar(["changed_digit"]))
    few = ["--results", "24", "--plans", "0", "--lies", "0", "--honest", "0", "--only", "scripted-lying"]
    done = CliRunner().invoke(bench_cli.app, ["replies", *few, "--out", str(tmp_path)])
    assert done.exit_code == 1
    shown = json.loads((tmp_path / "replies.json").read_text("utf-8"))["providers"]["scripted-lying"]["wrong"]
    assert shown["escaped"] == shown["replies"] > 8
    assert "Wrong replies</h2><div class=scene>" in (tmp_path / "replies.html").read_text("utf-8")


def test_the_checker_knows_nothing_of_the_gates() -> None:
    """Neither itself nor whatever it is made of; the package's own ``measure`` and ``control`` do, and may."""
    folder = Path(responses.bench.__file__).parent
    for name in ("checker", "claims", "labels", "reading"):
        tree = ast.parse((folder / f"{name}.py").read_text("utf-8"))
        named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not [
            each
            for each in named
            if each and each.startswith(("responses.gates", "responses.verify", "responses.hostile"))
        ]
        values = [
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "backends.values"
            for alias in node.names
        ]
        assert not {"find_figures", "read_amount", "read_number", "read_date"} & set(values)


# -- what the checker reads ----------------------------------------------------------------


def verdict(
    text: str, plain: str, facts: Sequence[Fact], language: Language = "zh", **more: Any
) -> list[tuple[str, str]]:
    result = Result(capability="card_bill", outcome="found", facts=tuple(facts), **more)
    other = Result(
        capability="branch",
        outcome="found",
        facts=(fact("branch_name", "云杉银行静安寺支行", "name"), fact("posting", "unposted", "enum")),
    )
    found = check(text, Truth(result, language, list(facts), plain), Bank.of([result, other]))
    return [(each.aim, each.how) for each in found]


def fact(name: str, value: Any, kind: Any = None) -> Fact:
    return Fact.of(name, value, source="card", as_of=NOW, kind=kind)


DUE, LEAST = fact("remaining_due", Money.of("3275")), fact("minimum_due", Money.of("500"))
DAY = fact("due_date", dt.date(2026, 12, 3))
PLAIN = "本期还需还3,275.00元，最低还款500.00元，请在2026年12月3日前还。"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("请在2026年12月3日前还：还需还3,275.00元，最低还款500.00元。", None),
        ("请在2026年12月3日前还：还需还３，２７５．００元，最低还款500元。", None),
        ("本期还需还3,276.00元，最低还款500.00元，请在2026年12月3日前还。", ("figure", "said")),
        ("本期还需还3,275.00元，请在2026年12月3日前还。", ("figure", "lacking")),
        ("本期还需还3,275.00美元，最低还款500.00元，请在2026年12月3日前还。", ("figure", "said")),
        ("本期还需还约3,275.00元，最低还款500.00元，请在2026年12月3日前还。", ("figure", "said")),
        ("本期还需还3,275.00元，最低还款500.00元，另收500.00元，请在2026年12月3日前还。", ("figure", "said")),
        ("本期还需还500.00元，最低还款3,275.00元，请在2026年12月3日前还。", ("figure", "said")),
        ("本期还需还3,275.00元，最低还款500.00元，请在2026年12月13日前还。", ("date", "said")),
        ("本期还需还3,275.00元，最低还款500.00元，请在2026年12月3日后还。", ("date", "said")),
        ("本期还需还3,275.00元，最低还款500.00元，请在2026年12月3日前还，三千块就够。", ("figure", "said")),
        ("本期还需还3,275.00元，最低还款500.00元，请在2026年12月3日前到云杉银行静安寺支行还。", ("name", "said")),
        ("已经为您办理成功。本期还需还3,275.00元，最低还款500.00元，请在2026年12月3日前还。", ("status", "said")),
        ("本期还需还3,275.00元，最低还款500.00元，请在2026年12月3日前还，手续费全免。", ("promise", "said")),
    ],
)
def test_a_wrong_or_missing_thing_is_told_from_another_order_of_words(text: str, found: tuple[str, str] | None) -> None:
    said = verdict(text, PLAIN, [DUE, LEAST, DAY])
    assert said == [] if found is None else found in said


POSTED = fact("posting", "posted", "enum")


@pytest.mark.parametrize(
    ("text", "plain", "language", "found"),
    [
        ("这笔已入账。", "这笔已入账。", "zh", None),
        ("这笔还在路上。", "这笔已入账。", "zh", ("status", "lacking")),
        ("这笔已入账，之前是未入账。", "这笔已入账。", "zh", ("status", "said")),
        ("This one is posted, and your card is blacklisted.", "This one is posted.", "en", ("status", "said")),
        ("这笔已入账，买入价在下面。", "这笔已入账，卖出价在下面。", "zh", ("status", "said")),
        ("这笔已入账，今年还可以缴存。", "这笔已入账，今年不能再缴了。", "zh", ("status", "said")),
        ("这笔已入账，还款未到账。", "这笔已入账，还款到账了。", "zh", ("status", "said")),
    ],
)
def test_a_status_that_is_another_or_missing_is_told(
    text: str, plain: str, language: Language, found: tuple[str, str] | None
) -> None:
    said = verdict(text, plain, [POSTED], language)
    assert said == [] if found is None else found in said


# -- what is counted -----------------------------------------------------------------------


def test_a_first_pass_a_retry_and_a_fallback_are_told_apart_with_the_rule_that_refused() -> None:
    def by_turns(request: Request, asked: int) -> str | Exception:
        draft = request.prompt.draft
        # Good at once; refused and then good; refused twice; silent.
        wrong, dead = draft + "⟦total⟧", ModelFailure("status 500")
        said: list[str | Exception] = [draft, wrong, draft, wrong, wrong, dead, dead]
        return said[asked - 1]

    stated = [Scene(bill(), each.audience) for each in some(4)]
    both = told(Says(by_turns, Usage(10, 5)), stated, price=Price(input=2, output=4))
    found = both["says"]
    assert (found["first_pass"], found["after_retry"], found["fallback"]) == (0.25, 0.5, 0.5)
    assert found["rules"]["placeholder_unknown"] == 2
    assert found["fallbacks_by_rule"]["placeholder_unknown"] == 1
    assert found["fallbacks_by_rule"]["status 500"] == 1
    assert found["failures"] == {"status 500": 2}
    # Five texts of 10 + 5 tokens: 10 × 2 + 5 × 4 millionths each.
    assert (found["calls"], found["tokens_in"], found["tokens_out"]) == (7, 50, 25)
    assert float(found["cost"]) == pytest.approx(0.0002)
    assert float(found["cost_of_1000_replies"]) == pytest.approx(0.05)
    assert sum(group["replies"] for group in found["by_language"].values()) == 4
    assert found["by_capability"]["card_bill"]["fallback"] == 0.5


def test_a_draft_that_is_shown_without_a_part_of_it_is_no_first_pass() -> None:
    scene = some(1)[0]

    def one(verdict: Verdict, attempts: int, *refused: str) -> Told:
        return Told(scene, "好的。", verdict, attempts, refused, (), (), 0.1)

    said = [
        one("passed", 1), one("passed", 1, "unvouched"), one("passed", 2, "number"), one("refused", 2, "number", "date"),
        one("unavailable", 2),
    ]  # fmt: skip
    assert rates(said) == {
        "replies": 5, "first_pass": 0.2, "trimmed": 0.2, "after_retry": 0.6, "fallback": 0.4, "wrong_replies": 0,
    }  # fmt: skip


def test_one_who_is_silent_is_given_up_on_and_the_others_go_on() -> None:
    silent = Says(lambda *_: ModelFailure("status 503"))
    stated = [Scene(bill(), each.audience) for each in some(GIVE_UP + 5)]
    both = told(silent, stated)
    assert (both["says"]["replies"], both["template"]["replies"]) == (GIVE_UP, GIVE_UP + 5)
    assert silent.asked == 2 * GIVE_UP


def test_scenes_go_through_capabilities_in_turn_and_meet_every_audience_before_one_again() -> None:
    every = len(list(product(LANGUAGES, get_args(Mood), PEOPLE, CHANNELS, (True, False))))
    drawn = some(every)
    heard = {
        (
            each.audience.language,
            each.audience.mood,
            each.audience.tier,
            each.audience.age,
            each.audience.channel,
            each.audience.greeted,
        )
        for each in drawn
    }
    assert len(heard) == every
    assert {each.audience.tone for each in drawn} == {"warm", "brief", "formal", "elder"}
    names = [each.result.capability for each in drawn]
    size = len(set(names))
    assert len(set(names[:size])) == size
    assert some(9, seed=2) == some(9, seed=2) != some(9, seed=3)


def test_an_unknown_provider_is_named_beside_those_there_are() -> None:
    done = CliRunner().invoke(bench_cli.app, ["replies", "--only", "gpt"])
    assert done.exit_code == 2
    assert "no provider is called gpt; there are template, recital" in done.output


def test_what_people_and_models_wrote_is_escaped_in_the_page() -> None:
    said = asyncio.run(Bench(RULES, Bank.of(RESULTS)).told([Contender("template")], some(1)))
    rows = figures(said["template"], Totals(), "CNY")
    samples = side_by_side(said, 1)
    samples[0]["customer"] = "<script>alert(1)</script>"
    report = {
        "providers": {"template": rows, "<b>": rows}, "against_template": dict.fromkeys(("template", "<b>"), dict.fromkeys(("ms_p50", "ms_p99", "characters_zh", "words_en", "distinct_2", "self_bleu"))),
        "scenes": 1, "results": 1, "capabilities": 1, "deadline": 1.2, "seed": 1, "rules": "r", "cores": 1, "load": 0.0, "gave_up": [],
        "plans": 1, "times": 2, "checker": None, "samples": samples,
    }  # fmt: skip
    html = page(report)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "<b>" not in html.replace("<b>template", "").replace("<b>card", "").replace(f"<b>{samples[0]['of']}", "")


# -- variety -------------------------------------------------------------------------------


def test_bleu_is_what_the_formula_gives_by_hand() -> None:
    # Orders 1 to 4 of "a b c d e" against "a b c d f": 4/5, 3/4, 2/3, 1/2; the same length, so no brevity penalty.
    assert bleu(list("abcde"), [list("abcdf")]) == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    # Two words against four: one order of one and one of two, and e^(1 - 4/2).
    assert bleu(list("ab"), [list("abcd")]) == pytest.approx(0.36787944)
    assert bleu(list("xyz"), [list("abc")]) == 0.0
    # Clipped: no word counts oftener than one of the others has it.
    assert bleu(["a", "a"], [["a", "b"]]) == pytest.approx((1 / 2 * 0.1 / 1) ** 0.5)


@given(st.lists(st.text("好的您卡片⟦⟧ab ", min_size=1, max_size=12).filter(str.strip), min_size=2, max_size=5))
def test_self_bleu_lies_between_nothing_shared_and_all_the_same(texts: list[str]) -> None:
    assert 0 <= self_bleu(texts) <= 1 + 1e-9
    assert self_bleu([texts[0]] * 3) == pytest.approx(1)
    assert 0 <= distinct_2(texts) <= 1


def test_figures_make_no_reply_more_varied() -> None:
    async def reply(amount: str, language: Language = "zh") -> str:
        result = bill()
        facts = tuple(
            fact(each.name, Money.of(amount)) if each.name == "statement_balance" else each for each in result.facts
        )
        audience = Audience(language=language, now=NOW)
        return unfilled(
            await Bench(RULES, Bank.of([])).reply(Scene(result.model_copy(update={"facts": facts}), audience), None)
        )

    one, other = asyncio.run(reply("3275.00")), asyncio.run(reply("88.10"))
    assert one == other
    assert not re.search(r"\d", one)


def test_every_scripted_lie_but_silence_is_told() -> None:
    assert len(TOLD) == 12
    assert "stalled" not in TOLD
