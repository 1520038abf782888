"""The short form of ``make faults``: real replicas, killed at failpoints and at random, judged by the oracle."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.run import DATABASES, run, short_plan
from tests.faults.stores import postgres_bin
from tests.faults.world import Database


@pytest.mark.parametrize("database", DATABASES)
async def test_nothing_is_lost_or_done_twice_while_processes_are_killed(database: Database, tmp_path: Path) -> None:
    if database == "postgresql" and postgres_bin() is None:
        pytest.skip("no PostgreSQL server on this machine: apt-get install postgresql")
    outcome = await run(short_plan(database, seed=1), tmp_path / "run")
    _, page = report.write([outcome], tmp_path / "report")
    assert outcome.is_clean, report.summary(outcome)
    # That something was really done, and something really killed: a run of nothing is clean, too.
    assert outcome.kills >= 3
    assert outcome.acknowledged >= 50
    assert outcome.executed >= 3
    assert "every promise kept" in page.read_text("utf-8")
