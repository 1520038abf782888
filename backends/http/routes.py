"""Which request asks for which step: the whole of the bank API, as data that its client and its server both go by.

A bank system is the first part of a path (``/card``, ``/fx`` …), a capability the second. A query is one resource. A write
has six, and only two of them change the books:

======================================  =======  ==========================================================
``GET  /card/repay/explanation``        explain  how it works, for anyone
``GET  /card/repay/latest``             status   what became of the customer's last one
``POST /card/repay/quotes``             prepare  validates and quotes, changes nothing
``POST /card/repay``                    commit   carries a quote out, once for an ``Idempotency-Key``
``GET  /card/repay/effects/{key}``      outcome  what was done under that key
``POST /card/repay/effects/{key}/void`` void     the same, and where nothing was, nothing ever will be
======================================  =======  ==========================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from backends.action import Step
from backends.registry import ACTIONS, BY_NAME, AnyAction
from backends.result import Frozen

IDEMPOTENCY_KEY = "Idempotency-Key"
"""The header under which an effect happens once (draft-ietf-httpapi-idempotency-key-header)."""
MAX_KEY = 255
"""Characters of a key: it travels in a header and in a path."""

Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Route:
    """One request. *sends* is what it carries besides the caller: the typed input (in the query of a ``GET``, else as a
    JSON body), the confirmation of a quote, or nothing. *keyed* says that it bears an ``Idempotency-Key``."""

    method: Method
    path: str
    sends: Literal["input", "confirmation", "nothing"] = "nothing"
    keyed: bool = False


class Confirmation(Frozen):
    """What the customer confirmed: the quote, and the digest over every figure that was read back."""

    quote_id: str = Field(min_length=1, max_length=200)
    digest: str = Field(min_length=1, max_length=200)


def path_of(action: AnyAction) -> str:
    """``/card/limit-change`` for ``card_limit_change``: the system that vouches, then the rest of the name."""
    rest = action.name.removeprefix(action.source).lstrip("_").replace("_", "-")
    return f"/{action.source}/{rest}" if rest else f"/{action.source}"


def _routes_of(action: AnyAction) -> dict[Step, Route]:
    path = path_of(action)
    if action.steps == ("run",):
        if action.effectful:
            return {"run": Route("POST", path, "input", keyed=True)}
        # A question in the customer's own words stays out of addresses, which every proxy on the way logs.
        return {"run": Route("POST" if action.source == "knowledge" else "GET", path, "input")}
    return {
        "explain": Route("GET", f"{path}/explanation"),
        "status": Route("GET", f"{path}/latest"),
        "prepare": Route("POST", f"{path}/quotes", "input"),
        "commit": Route("POST", path, "confirmation", keyed=True),
        "outcome": Route("GET", f"{path}/effects/{{key}}"),
        "void": Route("POST", f"{path}/effects/{{key}}/void"),
    }


Routes = Mapping[tuple[str, Step], Route]

ROUTES: Routes = {(action.name, step): route for action in ACTIONS for step, route in _routes_of(action).items()}
"""A capability and a step → its request; a bank whose paths differ hands its client a map of its own."""


def repeatable(name: str, step: Step) -> bool:
    """Whether asking twice is asking once: anything but a quote, and what may change the books."""
    return step != "prepare" and not BY_NAME[name].acts(step)


def _one_is_a_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Listed = Annotated[list[str], BeforeValidator(_one_is_a_list)]


@cache
def request_model(name: str) -> type[BaseModel]:
    """The typed input of a capability as it travels: canonical text, or a list of it, under the action's own names.

    What the text must say is checked once, by the action's ``Input``; here it is documented.
    """
    fields: dict[str, Any] = {}
    for field, info in BY_NAME[name].Input.model_fields.items():
        kind: Any = Listed if get_origin(info.annotation) is tuple else str
        if info.is_required():
            fields[field] = (kind, Field(json_schema_extra=_documented(info.annotation)))
        else:
            fields[field] = (kind | None, Field(default=None, json_schema_extra=_documented(info.annotation)))
    return create_model(f"{type(BY_NAME[name]).__name__}Request", __config__=ConfigDict(extra="forbid"), **fields)


_TEXTS = {
    "Period": {"examples": ["2026-10-01/2026-10-31"]},
    "date": {"examples": ["2026-11-20"]},
    "Term": {"examples": ["P1Y"]},
}


def _documented(annotation: Any) -> dict[str, Any]:
    """What a schema says about a text beyond being one: the words it may be, or how it looks."""
    found: dict[str, Any] = {}
    for part in _parts(annotation):
        if get_origin(part) is Literal:
            found["enum"] = [*get_args(part)]
        found |= _TEXTS.get(getattr(part, "__name__", ""), {})
    return found


def _parts(annotation: Any) -> list[Any]:
    """*annotation* without what wraps it: unions, tuples, and metadata."""
    if get_origin(annotation) in (Union, UnionType, tuple):
        return [part for one in get_args(annotation) for part in _parts(one)]
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    return [annotation]
