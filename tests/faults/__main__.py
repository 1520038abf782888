"""``python -m tests.faults``: make trouble for a quarter of an hour at most, judge, report; exit 1 for a broken promise."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tests.faults import report
from tests.faults.run import DATABASES, Plan, run, short_plan
from tests.faults.stores import postgres_bin
from tests.faults.world import Database

TROUBLE, BURST = 0.75, 0.16
"""Shares of the time given; what is left is for starting, draining and settling."""


def main() -> int:
    """Run what the command line says; the exit status."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="all of it, the bursts included")
    parser.add_argument("--messages", type=int, default=20_000, help="to be acknowledged under trouble")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--writes", type=int, default=2_000, help="to be confirmed")
    parser.add_argument("--burst", type=int, default=2_000, help="messages into each of four conversations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sqlite", action="store_true", help="on SQLite, although there is a PostgreSQL")
    parser.add_argument("--short", action="store_true", help="what the test suite does, in under 90 s")
    parser.add_argument("--out", type=Path, default=Path("var/faults"), help="where the report and the logs go")
    given = parser.parse_args()
    database: Database = "sqlite" if given.sqlite or postgres_bin() is None else "postgresql"
    if given.short:
        plans = [short_plan(each, given.seed) for each in DATABASES if each in ("sqlite", database)]
    else:
        seconds = given.minutes * 60
        plans = [
            Plan(
                database,
                seconds=seconds * TROUBLE,
                messages=given.messages,
                kills=given.kills,
                writes=given.writes,
                seed=given.seed,
                burst_messages=given.burst,
                burst_seconds=seconds * BURST,
            )
        ]
    outcomes = []
    for plan in plans:
        outcomes.append(asyncio.run(run(plan, given.out / plan.database)))
        sys.stdout.write(f"\r{report.summary(outcomes[-1])}\n")
    machine, page = report.write(outcomes, given.out)
    sys.stdout.write(f"{page}\n{machine}\n")
    return 0 if all(outcome.is_clean for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
