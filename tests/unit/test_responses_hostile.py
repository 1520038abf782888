"""A small sample of the hostile bench, its judge, and the command that checks one text; the whole is ``teller bench gates``."""

from __future__ import annotations

import json
import random
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from responses.draft import Draft, fill
from responses.hostile.bench import bench, half, honest_refused, hostile
from responses.hostile.cases import Case, by_capability, from_results, from_templates, written_pairs
from responses.hostile.judge import wrong_in
from responses.hostile.lie import Lie
from responses.hostile.lies import kinds
from responses.pruning import Pruned
from responses.verify import rule_ids, verify
from tests.unit.responses_samples import BILL, bill, fact_fillers, result

SAMPLE = 320
HARD = ("figure", "date", "name", "promise")
"""What no lie of a kind that gates may be mended on gets past them about."""


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    return by_capability(from_templates(random.Random(7)))


def test_no_lie_about_a_figure_a_date_a_name_or_a_promise_passes(cases: dict[str, list[Case]]) -> None:
    told = [kind for kind in kinds() if kind.group == "mended_on" and kind.aim in HARD]
    tallies = hostile({"template": cases}, SAMPLE, random.Random(7), told)
    assert sum(tally.told for tally in tallies.values()) == SAMPLE
    assert {name: tally.samples for name, tally in tallies.items() if tally.escaped} == {}


def test_there_are_more_than_forty_kinds_and_a_set_of_them_is_kept_back() -> None:
    groups = [kind.group for kind in kinds()]
    assert len({kind.name for kind in kinds()}) == len(groups)
    assert len(groups) > 80
    assert groups.count("kept_back") > 20


def test_every_refusal_names_a_rule_that_is_known_and_words_of_the_text(cases: dict[str, list[Case]]) -> None:
    rng = random.Random(11)
    told = 0
    for kind in kinds():
        case = rng.choice(cases["card_bill"])
        lie = kind.tell(case, rng)
        for refusal in verify(lie.text, case.source, [case.result], case.language) if lie else ():
            told += 1
            assert refusal.rule in rule_ids()
            assert 0 <= refusal.start <= refusal.end
    assert told > 40


def test_the_judge_sees_what_is_wrong_and_nothing_else() -> None:
    honest = fill(Draft(BILL, fact_fillers(bill()))).text
    added = Lie("", says="另收８８元。")
    assert wrong_in(honest + "另收88 元。", honest, added)
    assert not wrong_in(honest, honest, added)
    assert wrong_in(honest.replace("3天", ""), honest, Lie("", lacks="3天"))
    assert wrong_in(honest.replace("1,234.56", "1,234.57", 1), honest, Lie(""))
    assert not wrong_in("编号8833，3天内答复。", "3天内答复，编号8833。", Lie(""))
    assert not wrong_in("Answer in 3 days; regulator 8833.", "Regulator 8833, answer in 3 days.", Lie(""))
    assert not wrong_in(honest + "\u200b", honest, Lie("", lacks="3天"))


def test_with_no_gates_every_lie_would_escape(monkeypatch: pytest.MonkeyPatch, cases: dict[str, list[Case]]) -> None:
    monkeypatch.setattr("responses.hostile.bench.verify", lambda *_: ())
    monkeypatch.setattr("responses.hostile.bench.prune", lambda text, *_, **__: Pruned(text))
    told = [kind for kind in kinds() if kind.name in ("money_digits", "fact_dropped", "facts_swapped", "guaranteed")]
    tallies = hostile({"template": cases}, 40, random.Random(5), told)
    assert [tally.escaped for tally in tallies.values()] == [tally.told for tally in tallies.values()]


def test_few_honest_replies_that_the_gates_were_not_mended_on_are_refused() -> None:
    unseen = random.Random(3).sample(half(written_pairs(), 1), 120)
    refused, shortened = honest_refused(unseen, random.Random(3))
    assert len(refused) <= 6
    assert not shortened, "what people wrote for an outcome is vouched for"


def test_the_bench_reports_each_group_of_kinds_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("responses.hostile.bench.from_templates", lambda rng: islice(from_templates(rng), 60))
    monkeypatch.setattr("responses.hostile.bench.written_pairs", list)
    said = bench([bill()], drafts=60, seed=2, honest={"pairs": written_pairs()[:3]})
    assert sum(said[group]["told"] for group in ("mended_on", "opened", "kept_back")) >= 60
    assert "samples" not in json.dumps(said["kept_back"])
    assert said["time"]["cores"] >= 1
    assert said["honest"]["pairs"]["drafts"] == 3


def test_real_results_are_told_lies_too() -> None:
    found = list(from_results([result("card_bill", "found")], random.Random(1)))
    assert {(case.origin, case.language) for case in found} == {("real", "zh"), ("real", "en")}


RUN = CliRunner()


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    file = tmp_path / "result.json"
    file.write_text(bill().model_dump_json(), "utf-8")
    return file


def test_a_text_is_checked_from_the_command_line(answer: Path, tmp_path: Path) -> None:
    good = RUN.invoke(app, ["verify", "--result", str(answer), "--text", "还有3天，12月3日前还就行。"])
    assert (good.exit_code, good.output) == (0, "passes as a finished text\n")
    file = tmp_path / "reply.txt"
    file.write_text("还有8天，另外免费办理。", "utf-8")
    bad = RUN.invoke(app, ["verify", "--result", str(answer), str(file)])
    assert bad.exit_code == 1
    assert "figure_ungrounded" in bad.output
    assert "[8天]" in bad.output
    assert "added_fee_free" in bad.output


def test_a_draft_is_checked_beside_its_template_and_told_as_json(answer: Path) -> None:
    draft = BILL.replace("还需还⟦remaining_due⟧", "还需还大约⟦remaining_due⟧")
    told = RUN.invoke(app, ["verify", "--result", str(answer), "--json"], input=draft)
    assert told.exit_code == 1
    said = json.loads(told.output)
    assert said["way"] == "draft"
    found = {each["rule"]: each for each in said["refusals"]}
    assert draft[found["approximation"]["start"] : found["approximation"]["end"]] == found["approximation"]["span"]


@pytest.mark.parametrize("content", ["{", "{}", '{"capability": "no_such", "outcome": "none"}'])
def test_what_is_no_result_is_told_in_a_sentence(content: str, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(content, "utf-8")
    told = RUN.invoke(app, ["verify", "--result", str(file), "--text", "⟦amount⟧"])
    assert told.exit_code == 1
    assert "Traceback" not in told.output
    assert "result" in told.output
