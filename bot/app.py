"""The only wiring: opens what the bot needs, hands it to who needs it, and closes it again."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import FrameType
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from backends import demo as demo_bank
from backends.action import ActionRunner
from backends.http.client import HttpActions
from backends.knowledge.service import library
from backends.knowledge.vectors import Embedder
from backends.local import LocalActions
from backends.registry import searching
from backends.remote import RemoteActions
from backends.result import Result
from backends.rules import standing_facts
from bot import failpoints, logs, migrations
from bot.bindings import Bindings
from bot.channels import demo, operations, pages, platforms, rasa, web, webhook
from bot.channels.weixin.cursors import Cursors
from bot.conversations import Conversations
from bot.delivery import Channel, Deliveries
from bot.described import ABOUT, VERSION, install_description, operation_id
from bot.desk.desk import make_demo_reps, open_desk
from bot.desk.oidc import open_oidc
from bot.desk.routes import desk_router, embedded
from bot.desk.tickets import Tickets
from bot.events import Events
from bot.guards import BodyLimit, SafeHeaders
from bot.inbox import Inbox
from bot.issuer import TIMEOUT, BankIssuer, from_file, from_url
from bot.message import Incoming, Turn
from bot.metrics import Metrics
from bot.models import open_models
from bot.otp import Challenges, CodeLimits, DemoPhone, OtpSender
from bot.otp_gateway import OtpGateway
from bot.outlet import Outlet
from bot.parts import Clock, Compose, Parts, Understand, utc_now
from bot.pressure import Pressure, PressureLimits
from bot.principal import Principal
from bot.problems import install_problem_handlers
from bot.ratings import Ratings
from bot.reconcile import Reconciler
from bot.records import InboxRow, TurnRow
from bot.service import DemoBank, Service
from bot.session import Session
from bot.settings import Settings, load_settings
from bot.signals import Signals
from bot.store import open_database, open_redis, reading
from bot.tokens import Tokens
from bot.turn import handle_turn
from bot.worker import Worker
from bot.writes import Writes
from intents.scorer import RELEASE
from intents.serve import Understander
from intents.understanding import Context
from responses.audience import Audience
from responses.compose import compose
from responses.freedom import Freedom
from responses.gateway import Gateway, ModelProvider
from responses.library import templates_version
from responses.mask import mask_secrets
from responses.persona import persona_version
from responses.prompting import prompt_version
from responses.reply import Reply
from responses.streaming import Listener


@dataclass(frozen=True, slots=True)
class Instead:
    """What stands in for a real part: a test's clock, model, bank, language model, or channels that are sent to."""

    clock: Clock = utc_now
    understand: Understand | None = None
    actions: ActionRunner | None = None
    provider: ModelProvider | None = None
    channels: Mapping[str, Channel] = field(default_factory=dict)


def create_app(settings: Settings, instead: Instead | None = None) -> FastAPI:
    """The HTTP face of the bot under *settings*; everything is opened when the server starts and closed when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, instead) as service:
            app.state.service = service
            _drain_on_signals(service.draining)
            yield

    app = FastAPI(
        title="Teller",
        summary="A bank's customer-service assistant.",
        description=ABOUT,
        version=VERSION,
        generate_unique_id_function=operation_id,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.webhooks.include_router(webhook.router_out)
    install_description(app)
    install_problem_handlers(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(SafeHeaders)
    app.add_middleware(web.Cors, origins=settings.widget_origins)
    app.add_middleware(rasa.Cors, origins=settings.rasa_origins)
    app.include_router(web.router)
    app.include_router(rasa.router)
    app.include_router(platforms.router)
    if settings.demo:
        app.include_router(demo.router)
    app.include_router(operations.router)
    app.include_router(desk_router())
    app.include_router(embedded.router)
    app.include_router(pages.pages(demo=settings.demo))
    return app


def from_environment() -> FastAPI:
    """The app of a server process that is started by name."""
    return create_app(load_settings())


@asynccontextmanager
async def running(settings: Settings, instead: Instead | None = None) -> AsyncIterator[Service]:
    """The bot at work: stores open and migrated, the demo bank seeded, the model loaded, the worker taking messages."""
    instead = instead or Instead()
    clock = instead.clock
    failpoints.arm(settings.failpoints)
    logs.install()
    async with AsyncExitStack() as stack:
        engine = open_database(_secret(settings.database_url), settings.data_dir)
        stack.push_async_callback(engine.dispose)
        bank = open_bank(settings)
        stack.push_async_callback(bank.dispose)
        redis = await open_redis(_secret(settings.redis_url), settings.data_dir)
        stack.push_async_callback(redis.aclose)
        await migrations.upgrade(engine)
        if settings.demo:
            await demo_bank.seed(bank, clock())

        signals = Signals(redis)
        phone = DemoPhone(redis)
        sender = phone if settings.otp_url is None else _otp_gateway(settings, stack)
        limits = CodeLimits(
            codes=settings.codes_an_hour,
            wrong_tries=settings.wrong_tries_an_hour,
            wrong_tries_address=settings.wrong_tries_an_hour_address,
        )
        challenges = Challenges(engine, sender, key=settings.secret_key(), limits=limits)
        understand, release, embedder = _understanding(settings, instead)
        models = await open_models(settings.language_models(), engine, clock, stack, instead.provider)
        gateway = models.gateway
        composing = partial(_composing, gateway, settings.model_freedom)
        parts = Parts(
            understand=understand,
            actions=instead.actions or _actions(settings, bank, clock, stack, embedder),
            compose=composing(),
            challenges=challenges,
            writes=Writes(engine),
            tickets=Tickets(engine),
            clock=clock,
            versions={
                "model": release,
                "prompts": prompt_version(),
                "templates": templates_version(),
                "persona": persona_version(),
            },
        )
        metrics = Metrics()
        channels = {**platforms.open_platforms(settings, redis, stack, clock), **instead.channels}
        pushed = frozenset(channels)
        handler = _Handler(parts, metrics, composing)
        # Without a model every reply is whole at once: there is nothing to hear before.
        streamed = {web.CHANNEL: handler} if gateway else {}
        worker = Worker(engine, signals, handler, clock, pushed=pushed, streamed=streamed)
        await signals.start()
        stack.push_async_callback(signals.stop)
        await worker.start()
        stack.push_async_callback(worker.stop)
        deliveries = Deliveries(engine, channels, clock, held=platforms.HELD)
        await deliveries.start()
        stack.push_async_callback(deliveries.stop)
        reconciler = Reconciler(engine, signals, parts, pushed=pushed)
        await reconciler.start()
        stack.push_async_callback(reconciler.stop)
        desk = open_desk(engine, redis, signals, parts, library(), pushed, open_oidc(settings, engine, stack))
        if settings.demo:
            await make_demo_reps(desk.accounts, clock())
        await desk.floor.start()
        stack.push_async_callback(desk.floor.stop)
        await desk.keeper.start(clock)
        stack.push_async_callback(desk.keeper.stop)
        # What is loaded by now stays: the collector need not look it through again, 0.1 s each time.
        gc.freeze()
        stack.callback(gc.unfreeze)
        yield Service(
            settings=settings,
            clock=clock,
            tokens=_tokens(settings, stack),
            conversations=Conversations(engine),
            inbox=Inbox(
                engine,
                signals,
                challenges,
                mask=_mask,
                key=settings.secret_key(),
                max_pending=settings.max_pending_conversation,
                worker=worker,
            ),
            pressure=Pressure(
                engine,
                redis,
                PressureLimits(
                    pending=settings.max_pending,
                    address_rate=settings.address_rate,
                    conversation_rate=settings.conversation_rate,
                ),
            ),
            events=Events(engine, signals),
            signals=signals,
            bindings=Bindings(engine),
            cursors=Cursors(engine),
            deliveries=deliveries,
            channels=channels,
            metrics=metrics,
            desk=desk,
            ratings=Ratings(engine, _mask),
            tickets=Tickets(engine),
            probes={
                "database": partial(_ask_database, engine),
                "redis": partial(_ask_redis, redis),
                "model": partial(_ask_model, understand, clock),
            },
            pending=partial(_pending, engine),
            record_of=partial(_record_of, engine),
            models=models.states,
            demo=DemoBank(phone, partial(demo_bank.list_customers, bank)) if settings.demo else None,
        )


def open_bank(settings: Settings) -> AsyncEngine:
    """The bank's own database: by its own URL, else in the bot's, else a file of its own."""
    return open_database(_secret(settings.bank_database_url or settings.database_url), settings.data_dir, "bank")


def _understanding(settings: Settings, instead: Instead) -> tuple[Understand, str, Embedder | None]:
    """What reads messages, the name of its release, and what tells where a text's meaning lies, if that release does."""
    if instead.understand is not None:
        return instead.understand, "substitute", None
    understander = Understander(settings.release or RELEASE)
    return understander.understand, understander.release, embedder_of(understander)


def embedder_of(understander: Understander) -> Embedder | None:
    """What tells where a text's meaning lies; ``None`` where the release was exported without it."""
    return understander.embed if understander.embed("你好").any() else None


def _actions(
    settings: Settings, bank: AsyncEngine, clock: Clock, stack: AsyncExitStack, embedder: Embedder | None
) -> ActionRunner:
    remote: RemoteActions | HttpActions
    if settings.actions_url is not None:
        remote = RemoteActions(str(settings.actions_url), settings.signing_key())
    elif settings.bank_api_url is not None:
        remote = HttpActions(str(settings.bank_api_url), settings.signing_key())
    else:
        return LocalActions(bank, clock, searching(library(embedder)))
    stack.push_async_callback(remote.aclose)
    return remote


def _tokens(settings: Settings, stack: AsyncExitStack) -> Tokens:
    """The bank's own issuer replaces the shared key; beside it, the demo still signs its invented customers in."""
    issuer = _issuer(settings, stack)
    return Tokens(
        settings.signing_key(),
        settings.previous_signing_key(),
        issuer=issuer,
        own=issuer is None or settings.demo,
    )


def _issuer(settings: Settings, stack: AsyncExitStack) -> BankIssuer | None:
    if settings.jwks_file is not None:
        source = from_file(settings.jwks_file)
    elif settings.jwks_url is not None:
        http = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)
        stack.push_async_callback(http.aclose)
        source = from_url(str(settings.jwks_url), http)
    else:
        return None
    return BankIssuer(source, issuer=settings.jwt_issuer or "", audience=settings.jwt_audience or "")


def _otp_gateway(settings: Settings, stack: AsyncExitStack) -> OtpSender:
    gateway = OtpGateway(str(settings.otp_url), _secret(settings.otp_key))
    stack.push_async_callback(gateway.aclose)
    return gateway


def _composing(gateway: Gateway | None, freedom: Freedom, listener: Listener | None = None) -> Compose:
    async def composed(results: Sequence[Result], audience: Audience, /, *, now: dt.datetime) -> Reply:
        rules = standing_facts(now)
        return await compose(
            results, audience, now=now, rules=rules, gateway=gateway, listener=listener, freedom=freedom
        )

    return composed


class _Handler:
    """Runs turns for the worker; with an outlet, what a model says is heard while it is made."""

    def __init__(self, parts: Parts, metrics: Metrics, composing: Callable[[Listener | None], Compose]) -> None:
        self._parts = parts
        self._metrics = metrics
        self._composing = composing

    async def __call__(
        self,
        message: Incoming,
        session: dict[str, Any],
        principal: Principal,
        now: dt.datetime,
        outlet: Outlet | None = None,
    ) -> Turn:
        parts = self._parts if outlet is None else replace(self._parts, compose=self._composing(outlet))
        started = time.perf_counter()
        try:
            turn = await handle_turn(message, Session.model_validate(session), principal, now, parts)
        except Exception:
            self._metrics.failed_turn()
            raise
        self._metrics.turn(message.channel, turn.wire(), turn.record, time.perf_counter() - started)
        return turn


def _mask(text_: str) -> str:
    return mask_secrets(text_).text


async def _ask_database(engine: AsyncEngine) -> None:
    async with reading(engine) as connection:
        await connection.execute(text("SELECT 1"))


async def _ask_redis(redis: Redis) -> None:
    await redis.ping()


async def _ask_model(understand: Understand, clock: Clock) -> None:
    understand("你好", Context(today=clock().date()))


async def _pending(engine: AsyncEngine) -> int:
    query = select(func.count()).select_from(InboxRow).where(InboxRow.status == "pending")
    async with reading(engine) as connection:
        return await connection.scalar(query) or 0


async def _record_of(engine: AsyncEngine, conversation_id: str, seq: int) -> dict[str, Any] | None:
    query = select(TurnRow.record).where(TurnRow.conversation_id == conversation_id, TurnRow.seq == seq)
    async with reading(engine) as connection:
        return await connection.scalar(query)


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


def _drain_on_signals(draining: asyncio.Event) -> None:
    """Set *draining* as soon as the server is told to stop: it would otherwise wait for streams that never end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def stop(signum: int, frame: FrameType | None, before: Any = before) -> None:
            loop.call_soon_threadsafe(draining.set)
            if callable(before):
                before(signum, frame)

        try:
            signal.signal(number, stop)
        except ValueError:
            return  # Not the main thread: whoever started the server there stops it in their own way.
