"""``teller bench``: measurements, each printed as JSON and repeatable from the command line alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from responses.freedom import DEFAULT, Freedom

app = typer.Typer(help="Measure the parts.", no_args_is_help=True)


@app.command()
def nlu(
    train: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Labelled rows, JSON a line.")],
    valid: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Rows to stop and calibrate by.")],
    test: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Rows to score on.")] = None,
    base: Annotated[Path | None, typer.Option(help="A Hugging Face encoder; 'scratch' for random weights.")] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 16,
    seed: Annotated[list[int] | None, typer.Option(help="Once for each run; the figures of all are kept.")] = None,
    lora: Annotated[int, typer.Option(min=0)] = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    out: Annotated[Path | None, typer.Option(help="Folder for bench.json and bench.html.")] = None,
) -> None:
    """Train and score on any data set, beside TF-IDF and the encoder as it is."""
    try:
        from intents.training.bench import bench
        from intents.training.fit import Settings
        from intents.training.report import page
    except ModuleNotFoundError as error:
        _needs_training(error)
    reports = [
        bench(train, valid, test, base, Settings(epochs=epochs, seed=number, lora=lora, threads=threads))
        for number in seed or [0]
    ]
    said = reports[0] if len(reports) == 1 else {"runs": reports}
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "bench.json").write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", "utf-8")
        for number, report in enumerate(reports):
            name = "bench.html" if len(reports) == 1 else f"bench-{number}.html"
            (out / name).write_text(page(f"Understanding, measured on {report['scored_on']}", report), "utf-8")
    for report in reports:
        report["models"] = {
            name: {key: value for key, value in figures.items() if key != "confusions"}
            for name, figures in report["models"].items()
        }
    print(json.dumps(said, ensure_ascii=False, indent=2))


@app.command()
def ablation(
    test: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Labelled rows to score on; learnt by none.")],
    data: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, help="Rows beside the catalogue.")
    ] = None,
    base: Annotated[Path | None, typer.Option(help="A Hugging Face encoder; ours unless told.")] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 3,
    only: Annotated[list[str] | None, typer.Option(help="Parts whose name holds this; all unless told.")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Train the product's model with one part left out at a time; a line of JSON for each as soon as it is there."""
    try:
        from intents.training.ablation import PARTS
        from intents.training.ablation import ablation as run
        from intents.training.fit import Settings
        from intents.training.train import BASE
    except ModuleNotFoundError as error:
        _needs_training(error)
    parts = [part for part in PARTS if not only or any(word in part.name for word in only)]
    settings = Settings(epochs=epochs, seed=seed, threads=threads)
    for found in run(data or [], test, base or BASE, settings, parts):
        print(json.dumps(found, ensure_ascii=False), flush=True)


@app.command()
def latency(messages: Annotated[int, typer.Option(min=1)] = 400) -> None:
    """Time a message through the model that serves, beside models of other sizes, on one thread."""
    try:
        from intents.training.latency import latency as run
    except ModuleNotFoundError as error:
        _needs_training(error)
    print(json.dumps(run(messages=messages), ensure_ascii=False, indent=2))


@app.command()
def gates(
    drafts: Annotated[int, typer.Option(min=100, help="Hostile drafts.")] = 20_000,
    seed: Annotated[int, typer.Option()] = 1,
    honest: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Folder of honest_drafts*.jsonl.")
    ] = None,
    freedom: Annotated[Freedom, typer.Option(help="What words a model may use.")] = DEFAULT,
    out: Annotated[Path | None, typer.Option(help="File for the JSON; standard output unless told.")] = None,
) -> None:
    """Tell the gates lies of every kind over every capability, and honest drafts; a last line sums it up."""
    from bot.bench_gates import run

    said, line = run(drafts=drafts, seed=seed, honest=honest, freedom=freedom)
    text = json.dumps(said, ensure_ascii=False, indent=1)
    if out is None:
        print(text)
    else:
        out.write_text(text + "\n", "utf-8")
    print(line)


@app.command()
def gateway(replies: Annotated[int, typer.Option(min=100)] = 2000) -> None:
    """Time replies with every language model dead, beside replies with none; exit 1 where they take too long."""
    from bot.bench_gateway import run

    said = run(replies)
    print(json.dumps(said, indent=2))
    if not said["met"]:
        raise typer.Exit(1)


@app.command()
def replies(
    results: Annotated[int, typer.Option(min=1, help="Scenes: a result told to an audience.")] = 1000,
    seed: Annotated[int, typer.Option()] = 1,
    providers: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A file like deploy/providers.yml; each of it is measured."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Once for each provider; all unless told.")] = None,
    deadline: Annotated[float, typer.Option(min=0.1, help="Seconds that a reply may take.")] = 1.2,
    plans: Annotated[
        int, typer.Option(min=0, help="Plans that are told again and again, to see how varied it is.")
    ] = 20,
    times: Annotated[int, typer.Option(min=2, help="How often each of them.")] = 10,
    lies: Annotated[int, typer.Option(min=0, help="Of each kind, that the checker itself is tried on.")] = 20,
    honest: Annotated[int, typer.Option(min=0, help="Replies that people wrote, that it is tried on.")] = 1000,
    freedom: Annotated[Freedom, typer.Option(help="What models may say.")] = DEFAULT,
    out: Annotated[Path | None, typer.Option(help="Folder for replies.json and replies.html.")] = None,
) -> None:
    """Let every provider tell the same results to the same audiences; exit 1 where something wrong was shown."""
    from bot.bench_replies import UnknownProvider, line, run
    from responses.bench.report import page
    from responses.gateway.providers import ProviderError, read_providers

    try:
        entries = read_providers(providers) if providers is not None else ()
        said = run(
            number=results, seed=seed, entries=entries, only=only or (), deadline=deadline, plans=plans, times=times,
            lies_each=lies, honest=honest, freedom=freedom,
        )  # fmt: skip
    except (UnknownProvider, ProviderError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    text = json.dumps(said, ensure_ascii=False, indent=1)
    if out is None:
        print(text)
    else:
        out.mkdir(parents=True, exist_ok=True)
        (out / "replies.json").write_text(text + "\n", "utf-8")
        (out / "replies.html").write_text(page(said), "utf-8")
    for name, found in said["providers"].items():
        print(line(name, found))
    if any(found["wrong_replies"] for found in said["providers"].values()):
        raise typer.Exit(1)


def _needs_training(error: ModuleNotFoundError) -> NoReturn:
    print(f"{error.name} is not installed: this needs pip install -e '.[train]' -c constraints.txt", file=sys.stderr)
    raise typer.Exit(1)
