"""Training from the catalogue to a served release, on a tiny model; and the steps in between."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from intents.capability import CATALOG
from intents.labels import Labels
from intents.scorer import Scorer
from intents.serve import Understander
from intents.tokenizer import SPECIAL
from intents.training.export import export_fp32, quantise
from intents.training.fit import Settings
from intents.training.mine import Settings as MineSettings
from intents.training.mine import mine
from intents.training.model import HEADS, JointModel, load_encoder, new_encoder, shrink
from intents.training.pretrain import Settings as PretrainSettings
from intents.training.pretrain import Source, mask_spans, pretrain
from intents.training.rows import read_rows
from intents.training.train import train
from intents.understanding import Context

pytestmark = pytest.mark.train
SMALL = ("card_bill", "fx_rate", "greet", "out_of_scope")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of four capabilities, and of what is outside every tenth example."""
    folder = tmp_path_factory.mktemp("catalog")
    for name in ("_slots", *SMALL):
        shutil.copy(CATALOG / f"{name}.yml", folder)
    outside = folder / "out_of_scope.yml"
    raw = yaml.safe_load(outside.read_text("utf-8"))
    for acts in raw["examples"].values():
        acts["ask"] = "\n".join(acts["ask"].splitlines()[::10])
    outside.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    return folder


@pytest.fixture(scope="module")
def release(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release trained on it from scratch."""
    out = tmp_path_factory.mktemp("release")
    tiny = Settings(epochs=5, layers=1, width=64, rate=4e-3, batch=16, threads=1)
    train(out, Path("scratch"), catalog_folder=few, settings=tiny)
    return out


def test_a_model_trained_from_scratch_learns_what_it_was_shown(release: Path) -> None:
    written = json.loads((release / "release.json").read_text("utf-8"))
    assert written["base"] == "scratch"
    assert written["held_out"]["intent"] > 0.7
    assert written["data_hash"] in written["name"]


def test_a_trained_release_serves(release: Path) -> None:
    reader = Understander(release)
    context = Context(today=dt.date(2026, 11, 21))
    assert reader.understand("查一下信用卡账单", context).top == "card_bill"
    assert reader.understand("美元汇率多少", context).top == "fx_rate"
    assert reader.release.startswith("teller-nlu-")


def test_what_is_exported_says_what_torch_says(tmp_path: Path, release: Path) -> None:
    labels = Labels.of_catalog()
    torch.manual_seed(0)
    model = JointModel(new_encoder(300, layers=1, width=64), labels).eval()
    for name in ("labels.json", "tokenizer.json", "ngrams.npz"):
        shutil.copy(release / name, tmp_path)
    export_fp32(model, tmp_path / "model.onnx")
    assert str(Path(__file__).parents[2]).encode() not in (tmp_path / "model.onnx").read_bytes()
    scorer = Scorer(tmp_path)
    ids = np.array([[2, 7, 120, 33, 290, 3]])
    said = scorer._session.run(None, {"input_ids": ids})
    with torch.no_grad():
        meant = model(torch.from_numpy(ids), torch.ones(1, 6, dtype=torch.long))
    for left, right in zip(said[:4], meant, strict=True):
        assert np.abs(left - right.numpy()).max() < 1e-4
    quantise(tmp_path / "model.onnx", tmp_path / "model.onnx")
    rough = Scorer(tmp_path)._session.run(None, {"input_ids": ids})
    assert all(np.abs(left - right).max() < 0.2 for left, right in zip(said, rough, strict=True))


def test_padding_changes_nothing(release: Path) -> None:
    torch.manual_seed(0)
    model = JointModel(new_encoder(300, layers=2, width=8 * HEADS), Labels.of_catalog()).eval()
    ids = torch.tensor([[2, 7, 120, 33, 3, 0, 0]])
    with torch.no_grad():
        padded = model(ids, (ids != 0).long())
        plain = model(ids[:, :5], torch.ones(1, 5, dtype=torch.long))
    for left, right in zip(padded[:3], plain[:3], strict=True):
        assert torch.allclose(left, right, atol=1e-5)


def test_pretraining_writes_an_encoder_that_training_can_start_from(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"请问信用卡账单第{number}期怎么还款" for number in range(300)), "utf-8")
    small = PretrainSettings(tokens=20_000, batch_tokens=1024, warmup=5, layers=1, width=64, threads=1)
    pretrain(tmp_path / "base", [Source(text, 2.0)], small)
    encoder = load_encoder(tmp_path / "base")
    assert encoder.config.hidden_size == 64
    assert (tmp_path / "base" / "tokenizer.json").exists()
    assert not (tmp_path / "base" / "checkpoint.pt").exists()


def test_masking_spares_the_frame_and_hides_about_the_share_asked_for() -> None:
    ids = torch.randint(len(SPECIAL), 500, (64, 60), generator=torch.Generator().manual_seed(0))
    ids[:, 0], ids[:, -1] = SPECIAL.index("[CLS]"), SPECIAL.index("[SEP]")
    shown, hidden = mask_spans(ids, 0.2, 500, torch.Generator().manual_seed(1))
    assert not hidden[:, 0].any()
    assert not hidden[:, -1].any()
    assert torch.equal(shown[~hidden], ids[~hidden])
    assert 0.14 < hidden.float().mean() < 0.26
    assert (shown[hidden] == SPECIAL.index("[MASK]")).float().mean() > 0.8


@pytest.mark.parametrize(
    ("spec", "path", "weight"), [("a.txt", "a.txt", 1.0), ("a.txt:0.5", "a.txt", 0.5), ("b/a.txt:3", "b/a.txt", 3.0)]
)
def test_a_text_is_named_with_how_often_it_is_read(spec: str, path: str, weight: float) -> None:
    assert Source.parse(spec) == Source(Path(path), weight)


def test_what_both_views_are_sure_of_becomes_rows_and_the_rest_is_listed_for_people(tmp_path: Path) -> None:
    texts = ["信用卡账单怎么看啊啊", "美元汇率现在是多少呢", "信用卡账单怎么看啊啊", "", "？？", "它那个什么来着"]
    rows, doubts = tmp_path / "rows.jsonl", tmp_path / "doubts.jsonl"
    said = mine(texts, rows, doubts, settings=MineSettings(sure=0.5, agreed=0.3, each=1))
    mined = read_rows(rows)
    assert {row.text: row.intent for row in mined} == {texts[0]: "card_bill", texts[1]: "fx_rate"}
    assert all(row.weight < 1 for row in mined)
    listed = [json.loads(line)["text"] for line in doubts.read_text("utf-8").splitlines()]
    assert "它那个什么来着" in listed
    assert said["read"] == 4


def test_a_base_of_large_matrices_begins_at_the_size_of_a_fresh_one_and_others_are_left_alone() -> None:
    torch.manual_seed(0)
    large, usual = new_encoder(300, layers=1, width=64), new_encoder(300, layers=1, width=64)
    with torch.no_grad():
        for value in large.parameters():
            if value.ndim == 2:
                value.copy_(torch.randn_like(value) * 0.2)
    before = [value.clone() for value in large.parameters()]
    same = [value.clone() for value in usual.parameters()]
    shrink(large)
    shrink(usual)
    for old, value in zip(before, large.parameters(), strict=True):
        if value.ndim == 2:
            assert float(value.detach().square().mean().sqrt()) == pytest.approx(0.02, rel=1e-3)
            assert torch.allclose(value.detach() / value.detach().norm(), old / old.norm(), atol=1e-6)
        else:
            assert torch.equal(value, old)
    assert all(torch.equal(old, value) for old, value in zip(same, usual.parameters(), strict=True))
