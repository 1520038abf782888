"""Figures of merit against cases worked by hand, and the evaluation of a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from intents.evaluate import evaluate
from intents.figures import calibration_noise, expected_calibration_error, micro_f1
from intents.ngrams import BUCKETS, NgramModel, features
from intents.outside import SIGNALS, outside_score
from intents.scorer import softmax
from intents.training.calibrate import _coolest
from intents.training.rejection import choose


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    assert expected_calibration_error([0.9] * 10, [True] * 9 + [False]) == pytest.approx(0.0)
    assert expected_calibration_error([0.9] * 10, [True] * 5 + [False] * 5) == pytest.approx(0.4)
    assert expected_calibration_error([1.0, 0.2], [False, False]) == pytest.approx(0.6)


def test_f1_counts_exact_spans_over_all_messages() -> None:
    a, b, c = (0, 1, "amount"), (2, 3, "currency"), (2, 4, "currency")
    precision, recall, f1 = micro_f1([({a, b}, {a, c}), ({a}, set()), (set(), {b})])
    assert (precision, recall) == pytest.approx((1 / 3, 1 / 3))
    assert f1 == pytest.approx(1 / 3)


def test_a_temperature_cools_what_is_too_sure() -> None:
    random = np.random.default_rng(0)
    gold = random.integers(0, 3, 2000)
    logits = random.normal(size=(2000, 3)).astype(np.float32)
    logits[np.arange(2000), gold] += 1.0
    assert _coolest(lambda t: softmax(logits * 3, t), gold) == pytest.approx(
        3 * _coolest(lambda t: softmax(logits, t), gold), rel=0.2
    )


def test_the_rejection_threshold_lets_what_is_in_scope_through() -> None:
    random = np.random.default_rng(1)
    outside = np.array([False] * 300 + [True] * 30)
    left = np.concatenate([random.normal(-2, 0.5, 300), random.normal(2, 0.3, 30)])
    chosen = choose(np.column_stack([left, random.normal(size=(330, 2))]), outside, ~outside)
    scores = np.array([outside_score(row, chosen.weights) for row in np.column_stack([left, np.zeros((330, 2))])])
    assert chosen.figures["chosen"] == SIGNALS[0]
    assert (scores[:300] < chosen.limit).mean() > 0.98
    assert chosen.figures["false_accept"] < 0.05


def test_signals_are_summed_where_together_they_tell_more_than_the_first_alone() -> None:
    random = np.random.default_rng(2)
    outside = random.random(1500) < 0.3
    found = random.normal(size=(1500, 3)) + outside[:, None] * np.array([0.8, 1.5, 0.0])
    chosen = choose(found, outside, ~outside)
    assert chosen.figures["chosen"] == "sum"
    assert chosen.figures["auroc"]["sum"] > chosen.figures["auroc"][SIGNALS[0]] + 0.05


def test_nothing_is_rejected_where_nothing_was_ever_outside() -> None:
    chosen = choose(np.zeros((20, 3)), np.zeros(20, dtype=bool), np.ones(20, dtype=bool))
    assert outside_score(np.array([5.0, 0.0, 0.0]), chosen.weights) < chosen.limit


def test_ngrams_are_the_same_for_full_width_and_for_any_figure() -> None:
    assert features("换500美金").tolist() == features("换８８０００美金").tolist()
    assert features("").size == 0
    assert features("查账单").max() < BUCKETS


def test_an_ngram_model_learns_and_survives_saving(tmp_path: Path) -> None:
    texts = ["查账单", "看账单", "账单多少", "美元汇率", "欧元汇率", "汇率多少"]
    model = NgramModel.fit(texts, np.array([0, 0, 0, 2, 2, 2]), 3)
    model.save(tmp_path / "ngrams.npz")
    again = NgramModel.load(tmp_path / "ngrams.npz")
    assert again.logits("我的账单").argmax() == 0
    assert again.logits("日元汇率").argmax() == 2
    assert again.logits("账单").tolist() == model.logits("账单").tolist()


def test_a_file_is_scored_against_its_labels(tmp_path: Path) -> None:
    rows = [
        {"text": "查一下账单", "intent": "card_bill", "also": None, "clear": True, "slots": []},
        {
            "text": "换五百美金",
            "intent": "card_bill",
            "also": "fx_buy",
            "clear": False,
            "slots": [{"start": 1, "end": 3, "slot": "amount"}],
        },
        {"text": "今天天气怎么样", "intents": ["out_of_scope"], "slots": []},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    figures = evaluate(path)
    assert figures["rows"] == 3
    assert figures["intent_accuracy"] == pytest.approx(2 / 3, abs=1e-3)
    assert figures["intent_accuracy_clear"] == 1.0
    assert figures["intent_also"] == 1.0
    assert figures["slot_recall"] == 1.0
    assert figures["oos_recall"] == figures["oos_precision"] == 1.0
    assert figures["confusions"] == [["card_bill", "fx_buy", 1]]


def test_a_calibrated_model_shows_an_error_on_few_messages_and_hardly_one_on_many() -> None:
    few, many = calibration_noise([0.6, 0.75, 0.9] * 30), calibration_noise([0.6, 0.75, 0.9] * 3000)
    assert few[0] > 0.02 > many[0]
    assert few[0] < few[1]
