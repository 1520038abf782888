"""The ``teller`` command. What a command needs is imported when it runs, so that ``teller --help`` is quick."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from bot.bench_cli import app as bench_app
from bot.corrections_cli import app as corrections_app
from bot.deliveries_cli import app as deliveries_app
from bot.desk_cli import app as desk_app
from bot.kb_cli import app as kb_app
from bot.replay_cli import replay
from bot.writer_cli import train_writer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from bot.settings import Settings

app = typer.Typer(
    help="Teller, a bank's customer-service assistant.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(bench_app, name="bench")
app.add_typer(kb_app, name="kb")
app.add_typer(deliveries_app, name="deliveries")
app.add_typer(desk_app, name="desk")
app.add_typer(corrections_app, name="corrections")
app.command()(replay)
app.command()(train_writer)
DRAIN_SECONDS = 5
"""How long running requests and streams get when the server is told to stop."""


def main() -> None:
    """The entry point; a setting that is refused is told in its own sentences, without a traceback."""
    from bot import logs

    logs.install()
    app()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Server processes over the one data directory.")] = 1,
) -> None:
    """Serve the HTTP surface and, in the demo, the bank's page."""
    import uvicorn

    from bot.guards import MAX_HEADERS

    settings = _settings(host=host, port=port)
    # The server processes read the environment themselves: they are to find what was said here.
    os.environ |= {"TELLER_HOST": settings.host, "TELLER_PORT": str(settings.port)}
    if workers > 1:
        _share_metrics(settings.data_dir / "metrics")
    address = f"http://{settings.host}:{settings.port}"
    print(f"Teller ({settings.env}) starts on {address}", flush=True)
    if settings.demo:
        print(f"  the bank's page  {address}/\n  the API          {address}/docs", flush=True)
    uvicorn.run(
        "bot.app:from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        access_log=False,
        server_header=False,
        # Unlike httptools it bounds what it keeps of headers that never end.
        http="h11",
        h11_max_incomplete_event_size=MAX_HEADERS * 2,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


@app.command()
def chat(
    customer: Annotated[str | None, typer.Option(help="Sign in as this demo customer, e.g. C1001.")] = None,
    lang: Annotated[str, typer.Option(help="zh or en: the language to begin in.")] = "zh",
) -> None:
    """Talk to the bot in the terminal. /why explains the last answer, /quit leaves."""
    from bot.chat import ChatError, converse

    try:
        asyncio.run(converse(_settings(), customer, "en" if lang == "en" else "zh"))
    except ChatError as error:
        _fail(str(error))


@app.command()
def understand() -> None:
    """Read texts, or JSON objects with "text", a line each on standard input; write what each means, a line each."""
    import datetime as dt

    from backends.values import BEIJING
    from intents.serve import Understander, to_json
    from intents.understanding import Context

    understander = Understander()
    context = Context(today=dt.datetime.now(BEIJING).date())
    for line in sys.stdin:
        meaning = understander.understand(_text_of(line), context)
        print(json.dumps(to_json(meaning), ensure_ascii=False), flush=True)


@app.command()
def train(
    out: Annotated[Path | None, typer.Option(help="Where the release goes; the one that serves, unless told.")] = None,
    base: Annotated[Path | None, typer.Option(help="A Hugging Face encoder to start from.")] = None,
    data: Annotated[list[Path] | None, typer.Option(exists=True, dir_okay=False, help="Labelled rows besides.")] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 16,
    seed: Annotated[int, typer.Option()] = 0,
    lora: Annotated[int, typer.Option(min=0, help="Rank of low-rank adapters; 0 trains all weights.")] = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Train the model that understands, from the catalogue's examples. Needs the extra: pip install 'teller[train]'."""
    try:
        from intents.training.fit import Settings
        from intents.training.train import train as run
    except ModuleNotFoundError as error:
        _fail(f"{error.name} is not installed: training needs pip install -e '.[train]' -c constraints.txt")
    settings = Settings(epochs=epochs, seed=seed, lora=lora, threads=threads)
    given: dict[str, Any] = {"out": out, "base": base, "data": data}
    run(**{name: value for name, value in given.items() if value is not None}, settings=settings)


@app.command()
def pretrain(
    out: Annotated[Path, typer.Argument(help="Where the encoder goes; a run that was cut off goes on there.")],
    text: Annotated[list[str], typer.Option(help="FILE or FILE:TIMES, a document a line; TIMES may be a fraction.")],
    pairs: Annotated[
        list[Path] | None, typer.Option(exists=True, help="Questions told as same or not, afterwards.")
    ] = None,
    base: Annotated[Path | None, typer.Option(help="An encoder of ours to go on from.")] = None,
    tokens: Annotated[int, typer.Option(min=1, help="How much to read.")] = 80_000_000,
    minutes: Annotated[float, typer.Option(help="How long to read at most.")] = float("inf"),
    seed: Annotated[int, typer.Option()] = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    compiled: Annotated[bool, typer.Option(help="Compile the model first: half as fast again on a processor.")] = False,
) -> None:
    """Pre-train an encoder on plain text, and then on pairs of questions. Needs the extra: pip install 'teller[train]'."""
    try:
        from intents.training.contrast import contrast
        from intents.training.pretrain import Settings, Source
        from intents.training.pretrain import pretrain as run
    except ModuleNotFoundError as error:
        _fail(f"{error.name} is not installed: training needs pip install -e '.[train]' -c constraints.txt")
    settings = Settings(tokens=tokens, minutes=minutes, seed=seed, threads=threads, compiled=compiled)
    said = run(out, [Source.parse(spec) for spec in text], settings, base=base)
    if pairs:
        said["pairs"] = contrast(out, pairs, seed=seed, threads=threads)
    print(json.dumps(said, ensure_ascii=False, indent=2))


@app.command()
def mine(
    texts: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Messages nobody labelled, one a line.")],
    out: Annotated[Path, typer.Option(help="Where the rows go that the model is sure of.")],
    doubts: Annotated[Path, typer.Option(help="Where those go that people should read.")],
) -> None:
    """Turn what a release is sure of into training rows, and list what it is unsure of."""
    from intents.training.mine import mine as run

    print(json.dumps(run(texts.read_text("utf-8").splitlines(), out, doubts), ensure_ascii=False, indent=2))


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Labelled rows, JSON a line.")],
    release: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="Not the one that serves.")] = None,
) -> None:
    """Measure a release on labelled rows."""
    from intents.evaluate import evaluate as run
    from intents.scorer import RELEASE

    print(json.dumps(run(file, release or RELEASE), ensure_ascii=False, indent=2))


@app.command()
def check() -> None:
    """Look whether every capability that is served has all its parts; exit 1 naming what is missing."""
    from bot.check import inspect

    report = inspect()
    print(report.summary())
    if report.problems:
        for problem in report.problems:
            print(f"  - {problem}", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def verify(
    result: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="A bank's answer (or a list), as JSON.")],
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="The text; else standard input.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="The text itself.")] = None,
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    as_json: Annotated[bool, typer.Option("--json", help="The verdict as JSON.")] = False,
) -> None:
    """Check a text against a bank's answer, as a draft where it has placeholders; exit 1 naming rules and words."""
    from responses.judged import UnreadableResult, judge, read_results

    said = text if text is not None else file.read_text("utf-8") if file else sys.stdin.read()
    try:
        verdict = judge(said.rstrip("\n"), read_results(result), "en" if lang == "en" else "zh")
    except UnreadableResult as error:
        _fail(str(error))
    print(verdict.to_json() if as_json else "\n".join(verdict.lines()))
    if verdict.refusals:
        raise typer.Exit(1)


@app.command()
def capabilities() -> None:
    """Write down, as Markdown, everything that is served: docs/capabilities.md."""
    from bot.describe import page

    print(page(), end="")


@app.command()
def replies() -> None:
    """Write down, as Markdown, ten replies in every mood, tone and language: docs/replies.md."""
    from bot.replies import page

    print(page(), end="")


@app.command()
def doctor() -> None:
    """Look at everything that serving needs, and say what to do; exit 1 where it could not serve."""
    from bot.doctor import Finding, examine
    from bot.parts import utc_now
    from bot.settings import UnsafeSettings, load_settings

    try:
        findings = asyncio.run(examine(load_settings(), utc_now))
    except UnsafeSettings as error:
        findings = [Finding("settings", "fail", reason) for reason in error.reasons]
    for finding in findings:
        print(finding.line())
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)


@app.command()
def costs(
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many, today in Beijing the last.")] = 7,
    by: Annotated[
        str, typer.Option(help="What to group by: day, capability, model, provider, with commas.")
    ] = "day,model",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array in place of the table.")] = False,
) -> None:
    """What language models took and cost; figures behind ~ hold estimates, where a service did not say."""
    import datetime as dt

    from backends.values import BEIJING
    from bot.costs import costs as read
    from bot.costs import table

    names = [name.strip() for name in by.split(",")]
    if not set(names) <= {"day", "capability", "model", "provider"} or len(set(names)) < len(names):
        _fail("--by takes day, capability, model and provider, each once, with commas between.")
    settings = _settings()

    async def found() -> list[Any]:
        from bot.store import open_database

        url = settings.database_url
        engine = open_database(url.get_secret_value() if url else None, settings.data_dir)
        try:
            today = dt.datetime.now(BEIJING).date()
            return await read(engine, today - dt.timedelta(days=days - 1), today, names)
        finally:
            await engine.dispose()

    sums = asyncio.run(found())
    if as_json:
        print(json.dumps([each.as_json(names) for each in sums], ensure_ascii=False, indent=2))
    else:
        print(table(sums, names) if sums else "No language model was asked.")


@app.command()
def actions(
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to bind.")] = 5055,
) -> None:
    """Serve the bank's actions over Rasa's action-server protocol, for a bot whose ACTIONS_URL names this."""
    from backends.server import serve as run

    settings = _settings()
    if settings.demo:
        asyncio.run(_seed(settings))
    run(_bank(settings), settings.signing_key(), host, port, previous=settings.previous_signing_key())


@app.command()
def seed() -> None:
    """Make the bank's tables and fill an empty bank with the invented one."""
    asyncio.run(_seed(_settings()))
    print("The demo bank is there.")


async def _seed(settings: Settings) -> None:
    from backends.demo import seed as run
    from bot.parts import utc_now

    engine = _bank(settings)
    await run(engine, utc_now())
    await engine.dispose()


def _settings(**given: object) -> Settings:
    from bot.settings import UnsafeSettings, load_settings

    try:
        return load_settings(**given)
    except UnsafeSettings as error:
        _fail("\n".join(error.reasons))


def _bank(settings: Settings) -> AsyncEngine:
    from bot.app import open_bank

    return open_bank(settings)


def _text_of(line: str) -> str:
    """The ``text`` of the JSON object that the line is; the line itself where it is none."""
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if isinstance(row, dict) and isinstance(row.get("text"), str):
        return str(row["text"])
    return line.rstrip("\r\n")


def _share_metrics(folder: Path) -> None:
    """Let the server processes add up their figures in *folder*, from zero."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(1)


if __name__ == "__main__":
    main()
