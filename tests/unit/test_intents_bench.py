"""Training and scoring on any data set: rows from files, the loss's parts, adapters, and the report."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bot.bench_cli import app
from intents.labels import Labels
from intents.tokenizer import train_tokenizer
from intents.training.ablation import PARTS, ablation
from intents.training.bench import bench, labels_of
from intents.training.contrast import contrast, read_pairs
from intents.training.corpus import Corpus, Place, Source
from intents.training.fit import Settings, batches, contrastive_loss
from intents.training.measures import Reading, auroc, measure
from intents.training.model import JointModel, load_encoder, new_encoder, tokenizer_of, with_adapters, without_adapters
from intents.training.noise import dice_of
from intents.training.pretrain import Settings as PretrainSettings
from intents.training.pretrain import pretrain
from intents.training.report import page
from intents.training.rows import BadRows, Row, catalog_rows, read_rows, split
from intents.training.train import SCRATCH

pytestmark = pytest.mark.train

TINY = Settings(epochs=9, layers=1, width=64, rate=3e-3, head_rate=3e-3, batch=16, threads=1)
DRINKS = ("茶", "咖啡", "牛奶", "果汁", "可乐", "豆浆", "汽水", "热水")
PLACES = ("北京", "上海", "广州", "成都", "杭州", "南京", "武汉", "西安")


def write(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def said(text: str, intent: str, slot: str | None = None, value: str = "") -> dict[str, object]:
    start = text.find(value)
    slots = [{"start": start, "end": start + len(value), "slot": slot, "value": value}] if slot else []
    return {"text": text, "lang": "zh", "intent": intent, "slots": slots}


def some_rows(opening: str) -> list[dict[str, object]]:
    rows = [said(f"{opening}来一杯{drink}", "order", "drink", drink) for drink in DRINKS]
    rows += [said(f"{opening}{place}明天天气怎么样", "weather", "place", place) for place in PLACES]
    return rows + [said(f"{opening}{word}的三次方根等于几", "oos") for word in ("八", "九", "十", "百", "千", "万")]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("rows")
    train = [row for opening in ("", "请", "麻烦", "能不能", "帮我", "现在") for row in some_rows(opening)]
    return write(folder / "train.jsonl", train), write(folder / "valid.jsonl", some_rows("请帮我"))


@pytest.fixture(scope="module")
def report(files: tuple[Path, Path]) -> dict[str, Any]:
    """What a benchmark of a tiny model says."""
    return bench(*files, base=Path("scratch"), settings=TINY)


def test_a_benchmark_trains_on_any_rows_and_scores_all_that_they_can_tell(report: dict[str, Any]) -> None:
    ours, words = report["models"]["fine-tuned"], report["models"]["TF-IDF"]
    for figures in (ours, words):
        assert figures["accuracy"] > 0.8
        assert figures["oos_auroc"] > 0.8
        assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert ours["slot_f1"] > 0.7
    assert ours["precision"] in ("int8", "fp32")
    html = page("drinks & weather", report)
    assert "drinks &amp; weather" in html
    assert "TF-IDF" in html
    assert "<script" not in html


def test_the_command_asks_for_what_it_was_told_and_writes_both_reports(
    files: tuple[Path, Path], report: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    def told(*given: object) -> dict[str, Any]:
        asked.append(given)
        return copy.deepcopy(report)

    monkeypatch.setattr("intents.training.bench.bench", told)
    train, valid = (str(file) for file in files)
    arguments = [
        "nlu",
        "--train",
        train,
        "--valid",
        valid,
        "--base",
        "scratch",
        "--epochs",
        "1",
        "--threads",
        "1",
        "--out",
        str(tmp_path),
    ]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0, ran.output
    assert asked == [(*files, None, Path("scratch"), Settings(epochs=1, threads=1))]
    kept = json.loads((tmp_path / "bench.json").read_text("utf-8"))
    assert kept["models"].keys() >= {"TF-IDF", "fine-tuned"}
    assert (tmp_path / "bench.html").read_text("utf-8").startswith("<!doctype html>")


def test_the_labels_are_those_that_occur() -> None:
    rows = [Row("a", "en", "pay", None, ((0, 1, "x"),), second="ask"), Row("b", "en", "pay", None)]
    assert labels_of(rows).intents == ("ask", "pay")
    assert labels_of(rows).slots == ("x",)


@pytest.mark.parametrize(
    "line",
    [
        '{"text": "无意图"}',
        '{"text": "错位", "intent": "a", "slots": [{"start": 1, "end": 9, "slot": "x"}]}',
        '{"text": "空", "intent": "a", "slots": [{"start": 1, "end": 1, "slot": "x"}]}',
        '{"text": "a", "intents": "不是列表"}',
        "{不是",
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "好", "intent": "a"}\n\n' + line + "\n", "utf-8")
    with pytest.raises(BadRows, match=r"rows\.jsonl, line 3"):
        read_rows(file)


def test_what_nobody_labelled_is_not_scored(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", [{"text": "我要付款", "intent": "pay"}])
    [row] = read_rows(file)
    assert row.act is None
    assert row.spans is None
    tokenizer = train_tokenizer(["我要付款", "我要付款"])
    [batch] = batches([row], tokenizer, Labels(("pay",), ("ask", "do", "status"), ("x",)), 4, dice_of(0))
    assert (batch.act == -100).all()
    assert (batch.slots == -100).all()


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40).filter(
        lambda found: len({positive for _, positive in found}) == 2
    )
)
def test_the_area_under_the_curve_is_the_chance_to_rank_a_positive_higher(found: list[tuple[int, bool]]) -> None:
    ups = [score for score, positive in found if positive]
    downs = [score for score, positive in found if not positive]
    chances = [1.0 if up > down else 0.5 if up == down else 0.0 for up in ups for down in downs]
    scores, positive = np.array([float(score) for score, _ in found]), np.array([flag for _, flag in found])
    assert auroc(scores, positive) == pytest.approx(sum(chances) / len(chances))


def test_figures_against_a_case_worked_by_hand() -> None:
    rows = [Row("a", "en", "pay", None), Row("b", "en", "pay", None, second="ask"), Row("c", "en", "oos", None)]
    readings = [Reading(("pay",), 0.9, 0.1), Reading(("pay",), 0.8, 0.2), Reading(("oos",), 0.9, 0.9)]
    figures = measure(readings, rows)
    assert figures["accuracy"] == 0.5
    assert figures["micro_f1"] == pytest.approx(2 * 3 / (3 + 4), abs=1e-4)
    assert figures["macro_f1"] == pytest.approx((1 + 0 + 1) / 3, abs=1e-4)
    assert figures["oos_auroc"] == 1.0
    assert "slot_f1" not in figures


def test_messages_of_one_intent_attract_each_other() -> None:
    near = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    assert contrastive_loss(near, torch.tensor([0, 0, 1, 1])) < contrastive_loss(near, torch.tensor([0, 1, 0, 1])) - 1
    assert contrastive_loss(near, torch.tensor([0, 1, 2, 3])) == 0


def test_adapters_train_few_weights_and_leave_the_encoder_its_shape() -> None:
    torch.manual_seed(0)
    model = JointModel(new_encoder(300, layers=1, width=64), Labels(("a", "b"), ("ask", "do", "status"), ()))
    names = set(model.state_dict())
    whole = sum(value.numel() for value in model.encoder.parameters())
    with_adapters(model, 4)
    trained = sum(value.numel() for value in model.encoder.parameters() if value.requires_grad)
    assert 0 < trained < whole / 3
    ids = torch.tensor([[2, 7, 120, 33, 3]])
    before = model.eval()(ids, torch.ones_like(ids))[0]
    without_adapters(model)
    assert set(model.state_dict()) == names
    assert torch.allclose(model(ids, torch.ones_like(ids))[0], before, atol=1e-5)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder, pre-trained for a moment."""
    folder = tmp_path_factory.mktemp("encoder")
    text = folder / "text.txt"
    text.write_text(
        "\n".join(f"{place}明天{drink}怎么样{at}" for at in range(20) for place in PLACES for drink in DRINKS)
    )
    small = PretrainSettings(tokens=30_000, batch_tokens=1024, warmup=5, layers=1, width=64, threads=1)
    pretrain(folder / "base", [Source(text)], small)
    return folder / "base"


def test_pairs_of_questions_bring_the_same_meaning_closer(encoder: Path, tmp_path: Path) -> None:
    pairs = [
        {"a": f"{place}明天{left}怎么样", "b": f"{other}明天{right}怎么样", "label": int(left == right)}
        for place in PLACES[:5]
        for other in PLACES[:5]
        for left in DRINKS[:5]
        for right in DRINKS[:5]
        if place != other
    ]
    file = write(tmp_path / "pairs.jsonl", [*pairs, {"a": "不知道", "b": "没人说", "label": None}])
    assert len(read_pairs([file])) == len(pairs)
    said = contrast(encoder, [file], positives=16, negatives=8, rounds=10, rate=2e-3, threads=1)
    assert said["auc"] > said["auc_before"]
    assert load_encoder(encoder).config.hidden_size == 64


def test_an_encoder_directory_without_a_fast_tokenizer_file_is_read_from_its_vocabulary(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "我", "要", "付", "款"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), "utf-8")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": len(words)}), "utf-8")
    assert tokenizer_of(tmp_path).encode("我要付款").ids == [2, 5, 6, 7, 8, 3]


def test_a_corpus_is_read_on_from_any_place_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"第{number}行文字有些内容" for number in range(200)), "utf-8")
    tokenizer = train_tokenizer(text.read_text("utf-8").splitlines())
    corpus = Corpus.encode([Source(text, 1.5)], tokenizer, tmp_path / "encoded")
    through = corpus.batches(256, 7, Place())
    seen = [next(through) for _ in range(30)]
    place = seen[11][0]
    again = Corpus.encode([Source(text, 1.5)], tokenizer, tmp_path / "encoded").batches(256, 7, place)
    for (_, rows), (_, same) in zip(seen[12:], again, strict=False):
        assert np.array_equal(rows, same)
    assert seen[-1][0].round > 0


def test_an_ablation_leaves_one_part_out_at_a_time_and_learns_no_row_it_is_scored_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = catalog_rows()
    few = [row for row in every if row.intent in ("card_bill", "fx_rate") and row.language == "zh"][::3]
    monkeypatch.setattr("intents.training.ablation.catalog_rows", lambda folder: few)
    trials = [{**said(row.text, row.intent), "clear": row.intent == "fx_rate"} for row in few[::4]]
    more = [said(f"{opening}，账单出了没", "card_bill") for opening in ("你好", "您好", "哈喽", "早")]
    learnt: list[int] = []
    monkeypatch.setattr("intents.training.ablation.split", lambda rows: learnt.append(len(rows)) or split(rows))
    parts = [
        part for part in PARTS if part.name in ("all parts", "without the rows of --data", "without class balance")
    ]
    found = list(
        ablation([write(tmp_path / "more.jsonl", more)], write(tmp_path / "test.jsonl", trials), SCRATCH, TINY, parts)
    )
    assert [each["part"] for each in found] == [part.name for part in parts]
    texts = {row["text"] for row in trials}
    assert learnt[0] == len([row for row in few if row.text not in texts]) + len(more)
    assert learnt[0] - learnt[1] == len(more)
    assert all(0 <= each["mixed"]["intent_accuracy"] <= 1 for each in found)
    assert found[0]["ngrams"]["intent_accuracy"] > 0.5
