"""``teller corrections``: what was corrected at the desk, and the training data that it makes."""

from __future__ import annotations

import asyncio
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from bot.replay_cli import time_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.desk.corrections import Corrections

T = TypeVar("T")
app = typer.Typer(help="What was corrected at the desk.", no_args_is_help=True)
Since = Annotated[str | None, typer.Option(help="Changed since this day or time, Beijing's.")]


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(help="quarantined, approved, rejected or withdrawn.")] = None,
    since: Since = None,
) -> None:
    """Every correction in a line: its id, its state, and from what to what."""
    from bot.desk.corrections import STATUSES, Correction

    chosen = next((known for known in STATUSES if known == status), None)
    if status is not None and chosen is None:
        _fail(f"A status is one of {', '.join(STATUSES)}.")
    after = time_of(since)

    async def run(corrections: Corrections) -> list[Correction]:
        return await corrections.all(chosen, since=after)

    for found in _with_corrections(run):
        was = f"{'+'.join(found.was['intents'])} {found.was['act']}"
        now = f"{'+'.join(found.meaning.intents)} {found.meaning.act}" if found.meaning else "-"
        problems = f"  ! {', '.join(sorted({each.kind for each in found.problems}))}" if found.problems else ""
        print(f"{found.id}  {found.status:<11}  {was} → {now}{'  + reply' if found.reply else ''}{problems}")


@app.command()
def export(
    form: Annotated[str, typer.Option(help="catalogue, rows (for teller train --data), or replies.")] = "rows",
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="A file; standard output unless told.")] = None,
    since: Since = None,
) -> None:
    """Write what was approved as training data; that it was taken out is kept in the audit trail."""
    from bot.desk.correction_export import FORMS
    from bot.parts import utc_now

    if form not in FORMS:
        _fail(f"A form is one of {', '.join(FORMS)}.")
    after = time_of(since)

    async def run(corrections: Corrections) -> tuple[int, str]:
        approved = await corrections.all("approved", since=after)
        actor = f"command line: {getpass.getuser()}"[:64]
        await corrections.exported(form, len(approved), actor=actor, now=utc_now())
        return len(approved), FORMS[form](approved)

    count, written = _with_corrections(run)
    if out is None:
        print(written, end="")
    else:
        out.write_text(written, "utf-8")
    print(f"{count} approved corrections", file=sys.stderr)


def _with_corrections(act: Callable[[Corrections], Awaitable[T]]) -> T:
    from sqlalchemy.exc import SQLAlchemyError

    from bot.desk.corrections import Corrections
    from bot.settings import UnsafeSettings, load_settings
    from bot.store import StoreError, open_database

    async def run() -> T:
        url = settings.database_url.get_secret_value() if settings.database_url else None
        engine = open_database(url, settings.data_dir)
        try:
            return await act(Corrections(engine))
        finally:
            await engine.dispose()

    try:
        settings = load_settings()
        return asyncio.run(run())
    except UnsafeSettings as error:
        _fail("\n".join(error.reasons))
    except (SQLAlchemyError, StoreError, OSError) as error:
        _fail(f"The database cannot be read: {type(error).__name__}. `teller doctor` says more.")


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(1)
