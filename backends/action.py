"""The shape of everything a bank system can be asked: typed input in, ``Result`` out; writes in two steps, once only."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from backends.result import Frozen, Result

Step = Literal["run", "explain", "status", "prepare", "commit", "outcome"]
"""``run`` reads. A write has ``explain`` (how it works), ``status`` (what became of the last one), ``prepare``
(validate and quote, change nothing), ``commit`` (do it, once) and ``outcome`` (what became of this key)."""

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


class BackendError(Exception):
    """A bank system could not answer. ``unknown`` is true where an effect may or may not have happened."""

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


class ActionRunner(Protocol):
    """Where actions run: in this process (``LocalActions``) or behind ``ACTIONS_URL`` (``RemoteActions``)."""

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        """The authoritative answer; raises ``BackendError`` where there is none."""
        ...


class BankAction:
    """A query. Subclasses set ``name`` (the capability's stem) and ``Input``, and implement ``run``."""

    name: ClassVar[str]
    access: ClassVar[Literal["public", "customer"]] = "customer"
    Input: ClassVar[type[ActionInput]] = ActionInput
    steps: ClassVar[tuple[Step, ...]] = ("run",)
