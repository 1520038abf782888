"""The bench measures what it says: every turn at the rate it names, by step, and the floor under it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bot import bench


def test_a_spread_is_told_by_its_half_and_its_last_hundredth() -> None:
    spread = bench.Spread.of([float(number) for number in range(101)])
    assert (spread.p50, spread.p99, spread.mean) == (50.0, 99.0, 50.0)


def test_a_turn_is_timed_by_step_commits_twice_and_no_statement_creeps_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "WARM_UP", bench.CONVERSATIONS)
    app = typer.Typer()
    app.command()(bench.main)
    told = CliRunner().invoke(app, ["--turns", "160", "--json", str(tmp_path / "bench.json")])
    assert told.exit_code == 0, told.output
    kept = json.loads((tmp_path / "bench.json").read_text())
    assert f"{kept['whole']['p50']:.2f}" in told.output
    assert kept["rate"] == pytest.approx(kept["capacity"] / 2, abs=0.1)
    assert sum(kept["share"].values()) == pytest.approx(1.0, abs=0.01)
    assert 0 < kept["steps"]["understand"]["p50"] < kept["whole"]["p50"] <= kept["whole"]["p99"]
    assert kept["times_floor"]["p50"] == pytest.approx(kept["whole"]["p50"] / kept["floor"], abs=0.01)
    # Two of its own; and for the two messages of ten that ask for a quote, the bank's.
    assert 2.0 <= kept["commits"] <= 2.5
    assert kept["statements"] <= 13
