"""``teller train-writer``: from text and written pairs to the writer that serves."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def train_writer(
    out: Annotated[Path, typer.Argument(help="Where the run is kept; one that was cut off goes on there.")],
    text: Annotated[
        list[str] | None, typer.Option(help="FILE or FILE:TIMES, a sentence a line; its name begins with zh or en.")
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Your own pairs; those of the release unless told."),
    ] = None,
    minutes: Annotated[float, typer.Option(min=0, help="How long to read text, templates and pairs.")] = 45.0,
    epochs: Annotated[float, typer.Option(min=0.1, help="How often to read the pairs alone, afterwards.")] = 8.0,
    release: Annotated[
        Path | None, typer.Option(help="Where the files that serve go; OUT/release unless told.")
    ] = None,
    measure: Annotated[
        bool, typer.Option(help="Tell how many replies pass the gates, and how varied they are.")
    ] = True,
    seed: Annotated[int, typer.Option()] = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    compiled: Annotated[bool, typer.Option(help="Compile the model first; needs a C++ compiler.")] = False,
) -> None:
    """Train the writer of replies from scratch. Needs the extra: pip install 'teller[train]'."""
    try:
        from responses.writer.pairs import PAIRS
        from responses.writer.training.measure import measured
        from responses.writer.training.train import Settings, Source, fit, pretrain, released
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"{error.name} is not installed: training needs pip install -e '.[train]' -c constraints.txt\n"
        )
        raise typer.Exit(1) from None
    settings = Settings(minutes=minutes, epochs=epochs, seed=seed, threads=threads, compiled=compiled)
    folder = release or out / "release"
    learnt = pairs or PAIRS
    told = {"pretrained": pretrain(out, [Source.parse(spec) for spec in text or ()], settings, folder=learnt)}
    told["fitted"] = fit(out, settings, folder=learnt)
    released(out, folder, folder=learnt)
    if measure:
        told["measured"] = measured(folder, learnt)
    (folder / "release.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps(told, ensure_ascii=False, indent=1))
