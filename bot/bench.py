"""``make bench``: how long a whole turn takes, stage by stage, on a demo bank of its own."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import typer

from bot.app import running
from bot.principal import Principal
from bot.service import Service
from bot.settings import load_settings

WARM_UP = 20
TURNS = 400
CUSTOMER = Principal(channel="terminal", customer_id="C1001", assurance="signed_in")
SAID = (
    "查账单",
    "那额度呢",
    "今天美元汇率",
    "那欧元呢",
    "换五百美金",
    "不对，是八百",
    "取消",
    "附近网点",
    "谢谢",
    "show my card bill",
)


async def bench(turns: int = TURNS) -> dict[str, list[float]]:
    """Milliseconds of every turn by stage; ``whole`` is from the inbox to the reply in hand."""
    spent: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        async with running(load_settings(env="demo", data_dir=Path(folder))) as service:
            conversation, _ = await service.conversations.create(
                channel=CUSTOMER.channel, principal=CUSTOMER, now=service.clock()
            )
            for number in range(WARM_UP + turns):
                stages = await _turn(service, conversation.id, number)
                if number >= WARM_UP:
                    for stage, milliseconds in stages.items():
                        spent[stage].append(milliseconds)
    return spent


async def _turn(service: Service, conversation_id: str, number: int) -> dict[str, float]:
    started = time.perf_counter()
    accepted = await service.inbox.accept(
        conversation_id,
        f"bench-{number}",
        SAID[number % len(SAID)],
        principal=CUSTOMER,
        channel=CUSTOMER.channel,
        now=service.clock(),
    )
    stored = time.perf_counter()
    await service.events.reply_to(conversation_id, accepted.seq, 10)
    ended = time.perf_counter()
    record = await service.record_of(conversation_id, accepted.seq) or {}
    return {"whole": (ended - started) * 1000, "accept": (stored - started) * 1000, **record["milliseconds"]}


def main() -> None:
    """Run it and print a table."""
    spent = asyncio.run(bench())
    typer.echo(f"{TURNS} turns by template, one after another, milliseconds\n")
    typer.echo(f"{'stage':<12}{'p50':>9}{'p99':>9}")
    for stage, values in spent.items():
        cuts = statistics.quantiles(values, n=100)
        typer.echo(f"{stage:<12}{cuts[49]:>9.2f}{cuts[98]:>9.2f}")


if __name__ == "__main__":
    main()
