"""``teller doctor``: what this process would need to serve, looked at one by one, and what to do where it is not there."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from jwt import PyJWTError
from pydantic import SecretStr
from redis.exceptions import RedisError
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import migrations
from bot.desk import oidc_discovery
from bot.desk.oidc import CALLBACK
from bot.embedded_redis import RedisMissing
from bot.issuer import ALGORITHMS, from_url, usable_keys
from bot.models import look_at
from bot.parts import Clock
from bot.settings import Settings
from bot.store import StoreError, database_now, open_database, open_redis, reading
from responses.gateway.providers import Entry, ProviderError

State = Literal["ok", "warn", "fail"]
WITHIN = 10.0
"""Seconds that anything has to answer."""
SKEW_WARN, SKEW_FAIL = dt.timedelta(seconds=2), dt.timedelta(seconds=30)
"""Between this machine's clock and the database's: leases go by the one, tokens and quotes by the other."""
DISK_WARN, DISK_FAIL = 1_000_000_000, 100_000_000
"""Bytes that should, and must, be free where the data directory is."""
MIN_REDIS = (6, 2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it stands, and what to do where that is not well."""

    name: str
    state: State
    found: str
    advice: str = ""

    def line(self) -> str:
        """As it is printed."""
        advice = f" → {self.advice}" if self.advice else ""
        return f"{self.state:<4}  {self.name:<9}  {self.found}{advice}"


async def examine(settings: Settings, clock: Clock) -> list[Finding]:
    """Look at everything that *settings* name. Changes nothing but a key in Redis that goes by itself."""
    findings = [Finding("settings", "ok", f"{settings.env}, {settings.host}:{settings.port}")]
    looks: list[tuple[str, str, Callable[[], Awaitable[list[Finding]]]]] = [
        ("database", "check DATABASE_URL, and that the server runs", lambda: _database(settings, clock)),
        ("redis", "check REDIS_URL, or install redis-server", lambda: _redis(settings)),
        ("model", "reinstall this release, or train one: teller train", lambda: _understanding(clock)),
        ("language", "check TELLER_PROVIDERS; until then the templates speak", lambda: _language_models(settings)),
        (
            "bank",
            "check BANK_API_URL, ACTIONS_URL or BANK_DATABASE_URL, and that the server runs",
            lambda: _bank(settings),
        ),
        ("sign-in", "check TELLER_OIDC_ISSUER, and that the provider runs", lambda: _identity_provider(settings)),
        ("disk", "check TELLER_DATA_DIR", lambda: _disk(settings.data_dir)),
    ]
    for name, advice, look in looks:
        try:
            async with asyncio.timeout(WITHIN):
                findings += await look()
        except StoreError as error:
            findings.append(Finding(name, "fail", "cannot be opened", str(error)))
        except (SQLAlchemyError, RedisError, RedisMissing, httpx.HTTPError, OSError, ValueError) as error:
            # Not the error's own words: they may hold a password of the URL.
            state: State = "warn" if name == "language" else "fail"
            findings.append(Finding(name, state, f"not there ({type(error).__name__})", advice))
    return findings


async def _database(settings: Settings, clock: Clock) -> list[Finding]:
    engine = open_database(_plain(settings.database_url), settings.data_dir)
    try:
        began = time.perf_counter()
        async with reading(engine) as connection:
            theirs = await connection.scalar(select(database_now()))
        took = (time.perf_counter() - began) * 1000
        assert theirs is not None
        reached = Finding("database", "ok", f"{engine.dialect.name}, answers in {took:.0f} ms")
        return [reached, await _tables(engine), _skew(theirs, clock())]
    finally:
        await engine.dispose()


async def _tables(engine: AsyncEngine) -> Finding:
    at, newest, known = await migrations.revisions(engine)
    if not known:
        return Finding("tables", "fail", f"at revision {at}", "a newer release made them: serve with that one")
    if at != newest:
        found = "not made yet" if at is None else f"at revision {at} of {newest}"
        return Finding("tables", "warn", found, "teller serve brings them up to date when it starts; back up first")
    return Finding("tables", "ok", f"at revision {at}")


def _skew(theirs: dt.datetime, ours: dt.datetime) -> Finding:
    skew = abs(ours - theirs)
    state: State = "fail" if skew > SKEW_FAIL else "warn" if skew > SKEW_WARN else "ok"
    advice = "" if state == "ok" else "let both machines take their time from NTP"
    return Finding("clock", state, f"{skew.total_seconds():.1f} s from the database's", advice)


async def _redis(settings: Settings) -> list[Finding]:
    redis = await open_redis(_plain(settings.redis_url), settings.data_dir)
    try:
        version = str((await redis.info("server"))["redis_version"])
        if tuple(int(part) for part in version.split(".")[:2]) < MIN_REDIS:
            return [Finding("redis", "fail", f"version {version}", "6.2 or newer is needed")]
        try:
            await redis.set("teller:doctor", "1", ex=5)
        except RedisError as error:
            advice = "it is full, or a replica: nothing is lost, but wake-ups come late and rates are not counted"
            return [Finding("redis", "warn", f"version {version}, takes no writes ({type(error).__name__})", advice)]
        return [Finding("redis", "ok", f"version {version}")]
    finally:
        await redis.aclose()


async def _understanding(clock: Clock) -> list[Finding]:
    from intents.serve import Understander
    from intents.understanding import Context

    understander = await asyncio.to_thread(Understander)
    began = time.perf_counter()
    understander.understand("查一下美元汇率", Context(today=clock().date()))
    took = (time.perf_counter() - began) * 1000
    return [Finding("model", "ok", f"{understander.release}, reads a message in {took:.0f} ms")]


async def _language_models(settings: Settings) -> list[Finding]:
    entries = settings.language_models()
    if not entries:
        return [Finding("language", "ok", "no model is set: the templates speak")]
    return list(await asyncio.gather(*(_language_model(entry, place) for place, entry in enumerate(entries, 1))))


async def _language_model(entry: Entry, place: int) -> Finding:
    where = "in the house" if entry.in_house else "outside the house, sees masked text"
    filed = f"filed as {entry.model_filing_no}" if entry.model_filing_no else "not filed"
    told = f"{place}. {entry.name} ({entry.kind}, {where}, {filed})"
    advice = "check TELLER_PROVIDERS or TELLER_MODEL_*; until then the next of them, or the templates, speak"
    try:
        wrong = await look_at(entry, WITHIN / 2)
    except ProviderError as error:
        wrong = " ".join(error.reasons)
    except (httpx.HTTPError, OSError, ValueError) as error:
        wrong = f"not there ({type(error).__name__})"
    if wrong is None:
        return Finding("language", "ok", told)
    return Finding("language", "warn", f"{told}: {wrong}", advice)


async def _bank(settings: Settings) -> list[Finding]:
    if settings.actions_url is not None:
        base = str(settings.actions_url).rstrip("/").removesuffix("/webhook")
        (await _get(f"{base}/health", {})).raise_for_status()
        return [Finding("bank", "ok", "the action server answers")]
    if settings.bank_api_url is not None:
        (await _get(f"{str(settings.bank_api_url).rstrip('/')}/health", {})).raise_for_status()
        return [Finding("bank", "ok", "its API answers")]
    engine = open_database(_plain(settings.bank_database_url or settings.database_url), settings.data_dir, "bank")
    try:
        async with reading(engine) as connection:
            await connection.execute(text("SELECT 1"))
    finally:
        await engine.dispose()
    return [Finding("bank", "ok", "its database answers; the actions run in this process")]


async def _identity_provider(settings: Settings) -> list[Finding]:
    if settings.oidc_issuer is None:
        return [Finding("sign-in", "ok", "no identity provider is set: reps sign in with a password")]
    here = "reps sign in through the identity provider" + (", or with a password" if settings.desk_passwords else "")
    state: State = "warn" if settings.desk_passwords else "fail"
    async with httpx.AsyncClient(timeout=WITHIN / 2, trust_env=False) as client:
        try:
            document = await oidc_discovery.fetch(client, settings.oidc_issuer)
            keys = usable_keys(await from_url(document.jwks_uri, client)())
        except oidc_discovery.ProviderUnsound as error:
            advice = "check TELLER_OIDC_ISSUER, which is what the provider names itself, or mend it there"
            return [Finding("sign-in", state, str(error), advice)]
        except (oidc_discovery.ProviderAway, httpx.HTTPError, OSError) as error:
            advice = "check TELLER_OIDC_ISSUER, and that the provider runs and this machine may reach it"
            return [Finding("sign-in", state, f"not there ({type(error).__name__})", advice)]
        except (ValueError, PyJWTError):
            advice = f"it must publish a key for one of {', '.join(sorted(ALGORITHMS))}"
            return [Finding("sign-in", state, "the provider has no key that may sign an ID token", advice)]
    found = f"{here}; {len(keys)} keys; it must send them back to {settings.desk_page()}{CALLBACK}"
    if document.code_challenge_methods_supported is None:
        advice = "ask whether it heeds PKCE; without, the client secret and the state alone guard the code"
        return [Finding("sign-in", "warn", f"{found}; it does not say whether it knows PKCE", advice)]
    return [Finding("sign-in", "ok", found)]


async def _disk(folder: Path) -> list[Finding]:
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return [_space(shutil.disk_usage(there).free)]


def _space(free: int) -> Finding:
    state: State = "fail" if free < DISK_FAIL else "warn" if free < DISK_WARN else "ok"
    advice = "" if state == "ok" else "make room where TELLER_DATA_DIR is"
    return Finding("disk", state, f"{free / 1e9:.1f} GB free", advice)


async def _get(url: str, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(timeout=WITHIN / 2, trust_env=False) as client:
        return await client.get(url, headers=headers)


def _plain(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None
