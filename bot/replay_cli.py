"""``teller replay``: what another release would make of recorded conversations."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from bot.replay import Report
    from bot.settings import Settings

BAD_USE = 2


def replay(
    conversation: Annotated[list[str] | None, typer.Option(help="Only this one; may be said again.")] = None,
    since: Annotated[str | None, typer.Option(help="Those with a turn since this day or time, Beijing's.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Only so many; the same ones every time.")] = None,
    release: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="Not the one that serves.")] = None,
    out: Annotated[Path | None, typer.Option(file_okay=False, help="Folder for replay.json and replay.html.")] = None,
    same_code: Annotated[
        bool, typer.Option("--same-code", help="Leave out what changes by our code since then, whatever the release.")
    ] = False,
    fail_over: Annotated[str | None, typer.Option(help="Exit 1 where more of the turns change, such as 5%.")] = None,
) -> None:
    """Run recorded conversations against a release and write what changes, side by side. Asks no bank, writes no data.

    With --fail-over, no turn at all to replay is a failure too.
    """
    from bot.replay_page import write_report
    from bot.settings import UnsafeSettings, load_settings

    limit = _share(fail_over)
    after = time_of(since)
    try:
        settings = load_settings()
    except UnsafeSettings as error:
        _fail("\n".join(error.reasons))
    report = asyncio.run(_replay(settings, conversation or [], after, sample, release, same_code))
    written = write_report(report, out or settings.data_dir / "replay")
    print(json.dumps(report.summary(), ensure_ascii=False, indent=2))
    print(f"written: {', '.join(map(str, written))}", file=sys.stderr)
    if limit is not None and not report.replayed:
        _fail("There was no turn to replay.", code=1)
    if limit is not None and report.share > limit:
        _fail(f"{report.share:.2%} of the turns change, more than {fail_over}.", code=1)


async def _replay(
    settings: Settings,
    conversations: list[str],
    since: dt.datetime | None,
    sample: int | None,
    release: Path | None,
    same_code: bool,
) -> Report:
    from sqlalchemy.exc import SQLAlchemyError

    from bot.replay import choose
    from bot.replay import replay as run
    from bot.store import StoreError, open_database
    from intents.scorer import RELEASE
    from intents.serve import Understander

    url = settings.database_url.get_secret_value() if settings.database_url else None
    try:
        understander = Understander(release or settings.release or RELEASE)
    except (OSError, ValueError, KeyError) as error:
        _fail(f"{release} is no release that can be loaded ({error}).")
    engine = None
    try:
        engine = open_database(url, settings.data_dir)
        chosen = await choose(engine, conversations=conversations, since=since, sample=sample)
        return await run(engine, chosen, understander.understand, understander.release, same_code=same_code)
    except LookupError as error:
        _fail(f"No turn is recorded of a conversation {error.args[0]!r}.")
    except (SQLAlchemyError, StoreError, OSError) as error:
        _fail(f"The database cannot be read: {type(error).__name__}. `teller doctor` says more.")
    finally:
        if engine is not None:
            await engine.dispose()


def _share(said: str | None) -> float | None:
    if said is None:
        return None
    try:
        percent = float(said.removesuffix("%")) if said.endswith("%") else -1.0
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        _fail(f"--fail-over takes a share such as 5%, not {said!r}.")
    return percent / 100


def time_of(said: str | None) -> dt.datetime | None:
    """The time that was said, in UTC; one without a zone is Beijing's, and a day begins there at midnight."""
    from backends.values import BEIJING

    if said is None:
        return None
    try:
        time = dt.datetime.fromisoformat(said)
    except ValueError:
        _fail(f"--since takes a day or a time such as 2026-11-20 or 2026-11-20T08:30, not {said!r}.")
    return (time if time.tzinfo else time.replace(tzinfo=BEIJING)).astimezone(dt.UTC)


def _fail(sentence: str, code: int = BAD_USE) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(code)
