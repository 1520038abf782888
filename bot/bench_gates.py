"""``teller bench gates``: the hostile bench over what the demo bank really answers."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.specimens import specimens
from responses.freedom import DEFAULT, Freedom
from responses.hostile.bench import UNWRITTEN, bench, files, half, summary
from responses.hostile.cases import written_pairs

HONEST = 2000
"""Replies that are judged as if nobody had written them."""


def run(*, drafts: int, seed: int, honest: Path | None, freedom: Freedom = DEFAULT) -> tuple[dict[str, Any], str]:
    """The measurement and its line. Honest drafts are the files of *honest* and the writer's pairs, those that gates were
    never mended on apart; some of those are judged as if nobody had written them."""
    with TemporaryDirectory() as folder:
        results = asyncio.run(specimens(Path(folder)))
    pairs = written_pairs()
    fresh = half(pairs, 1)
    sample = random.Random(seed).sample(fresh, min(HONEST, len(fresh)))  # noqa: S311
    told = {"pairs_mended_on": half(pairs, 0), "pairs": fresh, UNWRITTEN: sample} | (
        files(honest) if honest is not None else {}
    )
    said = bench(results, drafts=drafts, seed=seed, honest=told, freedom=freedom)
    return said, summary(said)
