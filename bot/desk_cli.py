"""``teller desk``: look after the accounts of those who work at the desk."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    import datetime as dt

    from bot.desk.accounts import Accounts, Rep

app = typer.Typer(help="The accounts of the desk.", no_args_is_help=True)
_ACTOR = "command line"
Name = Annotated[str, typer.Argument(help="What they sign in with.")]


@app.command()
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="rep, supervisor or admin.")] = "rep",
    display_name: Annotated[str, typer.Option(help="What customers see.")] = "",
    display_name_en: Annotated[str, typer.Option(help="The same for those who write in English.")] = "",
    skill: Annotated[list[str] | None, typer.Option(help="One of the rules' skills; may be repeated.")] = None,
    capacity: Annotated[int, typer.Option(help="Conversations at once.")] = 5,
) -> None:
    """Make an account; the password is asked for, or read from standard input."""
    from bot.desk.accounts import ROLES

    if role not in ROLES:
        _fail(f"A role is one of {', '.join(ROLES)}.")
    password = _password()

    async def run(accounts: Accounts, now: dt.datetime) -> str:
        rep = await accounts.create(
            name,
            password,
            role=role,
            display_name=display_name,
            display_name_en=display_name_en,
            skills=tuple(skill or ()),
            capacity=capacity,
            now=now,
            actor=_ACTOR,
        )
        return f"{rep.name} may sign in as {rep.role}."

    print(_with_accounts(run))


@app.command("list")
def list_() -> None:
    """All accounts, a line each."""

    async def run(accounts: Accounts, now: dt.datetime) -> str:
        lines = []
        for rep in await accounts.all():
            state = "shut" if not rep.active else "locked" if rep.locked_until and rep.locked_until > now else "open"
            way = "sso" if rep.issuer else "password"
            lines.append(f"{rep.name:<20} {rep.role:<11} {state:<7} {way:<8} {rep.capacity:>3}  {' '.join(rep.skills)}")
        return "\n".join(lines) or "There is no account."

    print(_with_accounts(run))


@app.command()
def password(name: Name) -> None:
    """Give an account another password, unlock it, and sign it out everywhere."""
    given = _password()

    async def run(accounts: Accounts, now: dt.datetime) -> str:
        await accounts.set_password((await _find(accounts, name)).id, given, now, actor=_ACTOR)
        return f"{name} has a new password."

    print(_with_accounts(run))


@app.command()
def unlock(name: Name) -> None:
    """Let an account try again that was locked after wrong passwords."""

    async def run(accounts: Accounts, now: dt.datetime) -> str:
        await accounts.unlock((await _find(accounts, name)).id, now, actor=_ACTOR)
        return f"{name} may try again."

    print(_with_accounts(run))


@app.command()
def shut(name: Name) -> None:
    """Shut an account: it is signed out everywhere, and what it holds returns to the queue."""
    _set_active(name, False)


@app.command("open")
def open_(name: Name) -> None:
    """Open an account again that was shut."""
    _set_active(name, True)


def _set_active(name: str, active: bool) -> None:
    async def run(accounts: Accounts, now: dt.datetime) -> str:
        await accounts.change((await _find(accounts, name)).id, now, actor=_ACTOR, active=active)
        return f"{name} is {'open' if active else 'shut'}."

    print(_with_accounts(run))


async def _find(accounts: Accounts, name: str) -> Rep:
    from bot.desk.accounts import BadAccount

    rep = await accounts.named(name)
    if rep is None:
        raise BadAccount(f"There is no account called {name}.")
    return rep


def _with_accounts(run: Callable[[Accounts, dt.datetime], Awaitable[str]]) -> str:
    """What *run* says, over the database of the settings; a refusal in its own sentence."""
    from bot import migrations
    from bot.desk.accounts import Accounts, BadAccount
    from bot.desk.passwords import Passwords, WeakPassword
    from bot.parts import utc_now
    from bot.settings import UnsafeSettings, load_settings
    from bot.store import open_database

    async def work() -> str:
        settings = load_settings()
        url = settings.database_url
        engine = open_database(url.get_secret_value() if url else None, settings.data_dir)
        try:
            await migrations.upgrade(engine)
            return await run(Accounts(engine, Passwords()), utc_now())
        finally:
            await engine.dispose()

    try:
        return asyncio.run(work())
    except (BadAccount, WeakPassword) as error:
        _fail(str(error))
    except UnsafeSettings as error:
        _fail("\n".join(error.reasons))


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(1)
