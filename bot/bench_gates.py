"""``teller bench gates``: the hostile bench over what the demo bank really answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.specimens import specimens
from responses.freedom import Freedom
from responses.hostile.bench import bench, files, half, summary
from responses.hostile.cases import written_pairs


def run(*, drafts: int, seed: int, honest: Path | None, freedom: Freedom = "known") -> tuple[dict[str, Any], str]:
    """The measurement and its line. Honest drafts are the files of *honest* and the writer's pairs, those that gates were
    never mended on apart."""
    with TemporaryDirectory() as folder:
        results = asyncio.run(specimens(Path(folder)))
    pairs = written_pairs()
    told = {"pairs_mended_on": half(pairs, 0), "pairs": half(pairs, 1)} | (files(honest) if honest is not None else {})
    said = bench(results, drafts=drafts, seed=seed, honest=told, freedom=freedom)
    return said, summary(said)
