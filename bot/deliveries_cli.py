"""``teller deliveries``: what could not be sent to WeChat, WeCom or an adapter, why, and sending it again."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from bot.outbox import Letter, Outbox

app = typer.Typer(help="Messages to platforms: look at dead letters, and send them again.", no_args_is_help=True)
Given = TypeVar("Given")
Status = Literal["pending", "sending", "sent", "dead", "all"]


@app.command("list")
def list_letters(
    status: Annotated[Status, typer.Option(help="Which.")] = "dead",
    channel: Annotated[str | None, typer.Option(help="Of one channel, such as wechat or webhook:im.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List deliveries, the newest first; those marked uncertain may have been seen by the customer."""
    letters = _with_outbox(
        lambda outbox: outbox.letters(status=None if status == "all" else status, channel=channel, limit=limit)
    )
    if as_json:
        for letter in letters:
            print(json.dumps(_plain(letter), ensure_ascii=False))
        return
    for letter in letters:
        print(
            f"{letter.id:>8}  {letter.state:<9}  {letter.channel:<20}  {letter.said_at:%Y-%m-%d %H:%M}Z  "
            f"{letter.attempts} tried  {letter.last_error or ''}".rstrip()
        )
    if not letters:
        print(f"No {'deliveries' if status == 'all' else status + ' ones'}.")


@app.command()
def show(
    delivery: Annotated[int, typer.Argument(help="Its number, as list gives it.")],
) -> None:
    """Show one delivery whole, as JSON: whom it was for, what it says, how often it was tried. It holds a customer's data."""
    letter = _with_outbox(lambda outbox: outbox.letter(delivery))
    if letter is None:
        _fail(f"There is no delivery {delivery}.")
    print(json.dumps({**_plain(letter), "data": letter.data}, ensure_ascii=False, indent=2))


@app.command()
def resend(
    deliveries: Annotated[list[int] | None, typer.Argument(help="Their numbers, as list gives them.")] = None,
    channel: Annotated[
        str | None, typer.Option(help="Every dead letter of this channel that was surely not sent.")
    ] = None,
    even_if_sent: Annotated[bool, typer.Option(help="Also where the customer may see it twice.")] = False,
) -> None:
    """Send dead letters again; exit 1 where one could not be. A serving process does the sending."""
    from bot.outbox import MaybeSent, NotDead
    from bot.parts import utc_now

    if not deliveries and channel is None:
        _fail("Name deliveries, or a channel.")
    actor = f"operator:{getpass.getuser()}"

    async def send(outbox: Outbox) -> bool:
        well, chosen = True, list(deliveries or ())
        if channel is not None:
            dead = await outbox.letters(status="dead", channel=channel, limit=10_000)
            # The oldest first, as they were said.
            chosen += [letter.id for letter in reversed(dead) if even_if_sent or not letter.is_uncertain]
        for number in chosen:
            try:
                await outbox.resend(number, utc_now(), actor=actor, even_if_sent=even_if_sent)
                print(f"{number}: will be sent")
            except NotDead:
                well = False
                print(f"{number}: is no dead letter", file=sys.stderr)
            except MaybeSent:
                well = False
                print(
                    f"{number}: the customer may have it already; --even-if-sent sends it all the same", file=sys.stderr
                )
        return well

    if not _with_outbox(send):
        raise typer.Exit(1)


def _plain(letter: Letter) -> dict[str, Any]:
    return {**letter.model_dump(mode="json", exclude={"data"}), "state": letter.state}


def _with_outbox(act: Callable[[Outbox], Awaitable[Given]]) -> Given:
    from sqlalchemy.exc import SQLAlchemyError

    from bot.settings import UnsafeSettings

    async def run() -> Given:
        async with _outbox() as outbox:
            return await act(outbox)

    try:
        return asyncio.run(run())
    except UnsafeSettings as error:
        _fail("\n".join(error.reasons))
    except (SQLAlchemyError, OSError) as error:
        # Not the error's own words: they may hold a password of the URL.
        _fail(f"The database cannot be read ({type(error).__name__}): teller doctor says more.")


@asynccontextmanager
async def _outbox() -> AsyncIterator[Outbox]:
    from bot.outbox import Outbox
    from bot.settings import load_settings
    from bot.store import open_database

    settings = load_settings()
    url = settings.database_url.get_secret_value() if settings.database_url else None
    engine = open_database(url, settings.data_dir)
    try:
        yield Outbox(engine)
    finally:
        await engine.dispose()


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(1)
