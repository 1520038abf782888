"""The shape of everything a bank system can be asked: typed input in, ``Result`` out; writes in two steps, once only."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from backends.facts import Vouched, facts
from backends.result import Card, Choice, Fact, Frozen, Result, Row
from backends.values import BEIJING

Step = Literal["run", "explain", "status", "prepare", "commit", "outcome", "void"]
"""``run`` reads. A write has ``explain`` (how it works), ``status`` (what became of the last one), ``prepare``
(validate and quote, change nothing), ``commit`` (do it, once), ``outcome`` (what became of this key) and ``void`` (the
same, and where nothing did, nothing ever will: a commit that comes late is refused)."""

Assurance = Literal["none", "signed_in", "stepped_up"]


class Caller(Frozen):
    """On whose behalf: the customer comes from the signed session only, never from what was typed."""

    customer_id: str | None = None
    channel: str = "web"
    assurance: Assurance = "none"
    conversation_id: str = ""


class ActionCall(Frozen):
    """One request to a bank system. ``key`` makes a commit happen once; ``quote_id`` and ``digest`` say what was confirmed."""

    name: str
    step: Step = "run"
    input: dict[str, Any] = {}
    quote_id: str | None = None
    digest: str | None = None
    key: str | None = None


class ActionInput(BaseModel):
    """Base of every typed input: fields are named like the catalogue's slots."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Terms(Frozen):
    """Base of what a quote promises, kept until ``commit`` carries it out."""


class BackendError(Exception):
    """A bank system could not answer. ``unknown`` is true where an effect may or may not have happened."""

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


class Rejected(BackendError):
    """The call itself cannot be served: no such step, an unreadable input, no key, no code. Nothing was done, and the same
    call would be rejected again."""


class ActionRunner(Protocol):
    """Where actions run: in this process (``LocalActions``), behind ``BANK_API_URL`` (``HttpActions``) or ``ACTIONS_URL``
    (``RemoteActions``)."""

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        """The authoritative answer; raises ``BackendError`` where there is none."""
        ...


class Refused(Exception):
    """A bank rule said no: the outcome, and the values a reply may state about it. Nothing was changed."""

    def __init__(self, outcome: str, **values: Vouched) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.values = values


@dataclass(frozen=True, slots=True)
class Context:
    """One call's circumstances: an open transaction, who is asking, and the time, aware and in UTC."""

    db: AsyncSession
    caller: Caller
    now: dt.datetime
    key: str | None = None

    @property
    def customer_id(self) -> str:
        """The signed-in customer; refused as ``sign_in`` where there is none."""
        if self.caller.customer_id is None:
            raise Refused("sign_in")
        return self.caller.customer_id

    @property
    def owner(self) -> str:
        """Whose idempotency keys these are: the customer's, or those of one visitor's conversation."""
        return self.caller.customer_id or f"visitor:{self.caller.conversation_id}"

    @property
    def today(self) -> dt.date:
        """The bank's calendar day."""
        return self.now.astimezone(BEIJING).date()


COMMON_OUTCOMES = frozenset({"sign_in", "expired", "changed", "unknown_key", "not_done"})
"""What any action may answer: nobody is signed in, the quote is over or not this one, nothing was done under the key so
far, nothing was and nothing will be."""

InputT = TypeVar("InputT", bound=ActionInput)
TermsT = TypeVar("TermsT", bound=Terms)


class Action(ABC, Generic[InputT]):
    """What queries and writes share. ``name`` is the capability's stem, ``source`` the domain that vouches for its facts,
    ``outcomes`` all it can answer of its own: each has a template, and no other can be answered."""

    name: str
    outcomes: ClassVar[frozenset[str]]
    source: ClassVar[str]
    access: ClassVar[Literal["public", "customer"]] = "customer"
    steps: ClassVar[tuple[Step, ...]]
    effectful: ClassVar[bool] = False
    """Whether ``run`` leaves something behind (a complaint does); it is then done once under the call's key."""
    disclosures: ClassVar[tuple[str, ...]] = ()
    Input: type[InputT]

    def acts(self, step: Step) -> bool:
        """Whether *step* may leave an effect, so that a lost answer leaves its outcome unknown."""
        return step in ("commit", "void") or (step == "run" and self.effectful)

    def answer(
        self,
        outcome: str,
        stated: tuple[Fact, ...] = (),
        *,
        rows: tuple[Row, ...] = (),
        choices: tuple[Choice, ...] = (),
        card: Card | None = None,
        disclosures: tuple[str, ...] = (),
        completed: bool = False,
    ) -> Result:
        """A result of this action; a completed one states its ``reference``. *disclosures* come on top of its own.

        Raises ``ValueError`` for an outcome that is neither declared nor common to all.
        """
        if outcome not in self.outcomes and outcome not in COMMON_OUTCOMES:
            raise ValueError(f"{self.name} does not declare the outcome {outcome!r}")
        reference = next(fact.value for fact in stated if fact.name == "reference") if completed else None
        return Result(
            capability=self.name,
            outcome=outcome,
            facts=stated,
            rows=rows,
            choices=choices,
            card=card,
            disclosures=(*self.disclosures, *disclosures) if stated or rows else (),
            completed=completed,
            reference=reference,
        )

    def refusal(self, refused: Refused, context: Context) -> Result:
        """The result that says what a rule refused."""
        return self.answer(refused.outcome, self.facts(context, **refused.values))

    def facts(self, context: Context, **values: Vouched) -> tuple[Fact, ...]:
        """Facts this action's domain vouches for; those of a customer's own affairs are personal."""
        return facts(self.source, context.now, "personal" if self.access == "customer" else "public", values)


class BankAction(Action[InputT]):
    """A query, or an act that needs no confirmation."""

    steps = ("run",)

    @abstractmethod
    async def run(self, given: InputT, context: Context) -> Result:
        """The answer; may raise ``Refused``."""


@dataclass(frozen=True, slots=True)
class Offer(Generic[TermsT]):
    """What a write offers to do: ``ready`` holds every figure to read back, ``terms`` what commit will carry out."""

    ready: Result
    terms: TermsT
    expires_at: dt.datetime


class BankWrite(Action[InputT], Generic[InputT, TermsT]):
    """Something that changes the bank's books. ``backends.effects`` wraps ``offer`` and ``perform`` into
    ``prepare`` and ``commit``: quotes, digests, keys and once-only are the same for all writes."""

    steps = ("explain", "status", "prepare", "commit", "outcome", "void")
    protective: ClassVar[bool] = False
    """Whether it only ever protects the customer: then one confirmation is enough, and no one-time code is asked for."""
    Terms: type[TermsT]

    @abstractmethod
    async def explain(self, context: Context) -> Result:
        """How it works, for anyone: states rules only, nothing of a customer's."""

    @abstractmethod
    async def status(self, context: Context) -> Result:
        """What became of the caller's last one, or ``no_record``."""

    @abstractmethod
    async def offer(self, given: InputT, context: Context) -> Offer[TermsT] | Result:
        """The offer to confirm, or a result that asks for a choice; may raise ``Refused``. Changes nothing."""

    @abstractmethod
    async def perform(self, terms: TermsT, context: Context) -> Result:
        """Carries *terms* out within the caller's transaction; what a raised ``Refused`` had changed is undone."""
