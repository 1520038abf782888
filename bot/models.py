"""The language models of a serving process: opened as the settings say, left alone when dead, metered, looked at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from importlib.util import find_spec

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.http.breaker import Breaker
from backends.values import BEIJING
from bot.costs import Ledger
from bot.parts import Clock
from responses.gateway import Gateway, Meter, ModelProvider, NeverOpens, Upstream
from responses.gateway.providers import Entry, ProviderError, open_provider
from responses.pruning import read_all

BREAKER = partial(Breaker, failures=3, cool_down=30.0)
"""Opens sooner and for longer than that of a bank system: without a model the template answers, without the bank nobody."""
log = logging.getLogger(__name__)


class Models:
    """Models by name, the preferred first; ``None`` stands for one that could not be opened. ``gateway`` asks those that
    could; it is ``None`` where there are none."""

    def __init__(self, upstreams: Mapping[str, Upstream | None]) -> None:
        self._upstreams = dict(upstreams)
        opened = [each for each in upstreams.values() if each is not None]
        self.gateway = Gateway(*opened) if opened else None

    def states(self) -> Mapping[str, str]:
        """How each of them stands."""
        return {name: each.state() if each else "missing" for name, each in self._upstreams.items()}


async def open_models(
    entries: tuple[Entry, ...], engine: AsyncEngine, clock: Clock, stack: AsyncExitStack, instead: ModelProvider | None
) -> Models:
    """The models of *entries*, or *instead*. What they take is kept in the database of *engine*.

    One that cannot be opened is missed, not waited for: the next one, or the template, speaks as if it were dead.
    """
    meter = Meter(lambda: clock().astimezone(BEIJING).date())
    upstreams: dict[str, Upstream | None] = {}
    if instead is not None:
        upstreams[instead.name] = Upstream(instead, BREAKER(), meter=meter)
    for entry in entries if instead is None else ():
        try:
            upstreams[entry.name] = await _opened(entry, meter, stack)
        except ProviderError as error:
            log.error("%s", error)
            upstreams[entry.name] = None
    models = Models(upstreams)
    if models.gateway is not None and instead is None:
        await asyncio.to_thread(read_all)
    if models.gateway is not None:
        ledger = Ledger(engine, meter)
        await ledger.start()
        stack.push_async_callback(ledger.stop)
        stack.push_async_callback(models.gateway.close)
    return models


async def look_at(entry: Entry, within: float) -> str | None:
    """What is wrong with the model of *entry*, looked at from outside; ``None`` where nothing is. Nothing is paid for.

    Raises ``httpx.HTTPError``, ``OSError``, ``ValueError`` where it is not there at all, ``ProviderError`` (one of them) with
    sentences.
    """
    if entry.kind == "openai":
        return await _look_at_service(entry, within)
    if entry.kind == "transformers":
        assert entry.path is not None
        if find_spec("torch") is None or find_spec("transformers") is None:
            return "needs pip install -e '.[local]' -c constraints.txt"
        return None if (entry.path / "config.json").is_file() else f"no config.json in {entry.path}"
    opened = await asyncio.to_thread(open_provider, entry)
    if close := getattr(opened, "close", None):
        await close()
    return None


async def _opened(entry: Entry, meter: Meter, stack: AsyncExitStack) -> Upstream:
    provider = await asyncio.to_thread(open_provider, entry)
    close = getattr(provider, "close", None)
    if close is not None:
        stack.push_async_callback(close)
    return Upstream(
        provider,
        # Our writer has no words for many a plan, and says so at once: that is no sign of death.
        NeverOpens() if entry.kind == "writer" else BREAKER(),
        concurrency=entry.concurrency,
        on_premises=entry.in_house,
        price=entry.price,
        daily_budget=entry.budget,
        model=entry.model or entry.name,
        meter=meter,
    )


async def _look_at_service(entry: Entry, within: float) -> str | None:
    key = entry.secret()
    proxy = str(entry.proxy) if entry.proxy else None
    async with httpx.AsyncClient(timeout=within, trust_env=False, proxy=proxy) as client:
        answer = await client.get(
            f"{str(entry.url).rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"} if key else {}
        )
    if answer.status_code in (401, 403):
        return "refuses the key"
    if answer.status_code == 404:
        # Some services list nothing: that says nothing of whether they answer.
        return None
    answer.raise_for_status()
    body = answer.json()
    listed = body.get("data", []) if isinstance(body, dict) else []
    served = {model.get("id") for model in listed if isinstance(model, dict)}
    return None if entry.model in served else f"does not list {entry.model}"
