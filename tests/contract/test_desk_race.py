"""Two server processes over one database: many reps reach for the same customers, and then all of them leave."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.desk_race import fill, judge, judge_after, leave, processes, race
from tests.server import Server

REPS, CUSTOMERS, CAPACITY = 8, 16, 2


def test_of_reps_who_race_over_two_processes_one_has_each_customer_and_nobody_is_stranded_when_all_leave(
    tmp_path: Path,
) -> None:
    # This process and one beside it: a second one of its own would cost another start.
    with Server(tmp_path, address_rate=100_000).serving() as here, processes(1, tmp_path) as beside:
        urls = [here.url, *beside]
        database = tmp_path / "teller.db"
        names = fill(database, REPS, CUSTOMERS, CAPACITY)

        async def raced() -> tuple[int, set[int], list[str]]:
            racers, _ = await race(urls, names, REPS, seed=0)
            wrong = judge(database, racers, CAPACITY)
            await leave(racers)
            refused = {status for racer in racers for status in racer.refused}
            return sum(len(racer.won) for racer in racers), refused, wrong

        won, refused, wrong = asyncio.run(raced())
        assert (won, refused, wrong) == (CUSTOMERS, {409}, [])
        assert judge_after(database, names) == []
