"""Quotes and effects: what was read back is what is done, and it is done once.

A key is claimed in the transaction of its effect, so the effect and the memory of it cannot come apart. The answer a
key got, refusals included, is the answer it gets for ever; a quote is carried out at most once, whatever the key.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import ActionCall, ActionInput, BankWrite, Context, Offer, Refused, Rejected, Terms
from backends.result import Fact, Quote, Result
from backends.tables import EffectRow, QuoteRow


def digest_of(capability: str, facts: Iterable[Fact]) -> str:
    """SHA-256, in hex, over a capability and the canonical name, kind, value and unit of each fact, in their order."""
    stated = [[fact.name, fact.kind, fact.value, fact.unit] for fact in facts]
    text = json.dumps([capability, stated], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def reference_for(context: Context) -> str:
    """The bank's number for what is being done: the day and ten digits, the same again for the same key."""
    assert context.key is not None
    mixed = hashlib.sha256(f"{context.owner}\n{context.key}".encode()).digest()
    return f"{context.today:%Y%m%d}{int.from_bytes(mixed[:8]) % 10**10:010d}"


async def prepare(action: BankWrite[Any, Any], given: ActionInput, context: Context) -> Result:
    """The write's offer with a quote that ``commit`` can name, or the result that says why there is none."""
    customer_id = context.customer_id
    offered: Offer[Terms] | Result = await action.offer(given, context)
    if isinstance(offered, Result):
        return offered
    quote = Quote(
        quote_id=f"q_{secrets.token_hex(16)}",
        digest=digest_of(action.name, offered.ready.facts),
        expires_at=offered.expires_at,
    )
    context.db.add(
        QuoteRow(
            quote_id=quote.quote_id,
            customer_id=customer_id,
            capability=action.name,
            terms=offered.terms.model_dump(mode="json"),
            digest=quote.digest,
            expires_at=quote.expires_at,
        )
    )
    return offered.ready.model_copy(update={"quote": quote})


async def commit(action: BankWrite[Any, Any], call: ActionCall, context: Context) -> Result:
    """Carries out the quote that *call* names, once.

    ``expired`` where the quote is past its time, unknown, or not the caller's; ``changed`` where what was confirmed is
    not what was offered; else what the write's ``perform`` answers. Raises ``Rejected`` for a caller who has not
    answered a one-time code, unless the write only protects.
    """
    customer_id = context.customer_id
    if not action.protective and context.caller.assurance != "stepped_up":
        raise Rejected(f"{action.name} is committed only after a one-time code")

    async def carry_out() -> Result:
        quote = await context.db.get(QuoteRow, call.quote_id) if call.quote_id else None
        if quote is None or (quote.customer_id, quote.capability) != (customer_id, action.name):
            raise Refused("expired")
        if context.now >= quote.expires_at:
            raise Refused("expired")
        if not hmac.compare_digest(quote.digest.encode(), (call.digest or "").encode()):
            raise Refused("changed")
        result: Result = await action.perform(action.Terms.model_validate(quote.terms), context)
        return result

    return await once(
        action.name,
        context,
        carry_out,
        refusal=lambda refused: action.refusal(refused, context),
        quote_id=call.quote_id,
    )


async def once(
    capability: str,
    context: Context,
    act: Callable[[], Awaitable[Result]],
    *,
    refusal: Callable[[Refused], Result],
    quote_id: str | None = None,
) -> Result:
    """Does *act* under the context's key, or returns what the key, or the quote, was answered before.

    A raised ``Refused`` undoes what *act* changed and becomes a stored result, made by *refusal*. Two calls that race on
    one key end with ``IntegrityError`` in one of them, which is then to be tried again.
    """
    if not context.key:
        raise Rejected(f"{capability} is done only under an idempotency key")
    earlier = await _stored(context.db, context.owner, context.key, capability, quote_id)
    if earlier is not None:
        return earlier
    effect = EffectRow(
        effect_id=secrets.token_hex(16), owner=context.owner, key=context.key, capability=capability, quote_id=None,
        result=None, at=context.now,
    )  # fmt: skip
    context.db.add(effect)
    await context.db.flush()
    try:
        async with context.db.begin_nested():
            result = await act()
            effect.quote_id = quote_id
    except Refused as refused:
        result = refusal(refused)
    effect.result = result.model_dump(mode="json")
    await context.db.flush()
    return result


async def outcome(action: BankWrite[Any, Any], context: Context) -> Result:
    """The stored answer of the context's key, or ``unknown_key``: nothing was done under it so far."""
    _ = context.customer_id
    found = await _stored(context.db, context.owner, context.key or "", action.name, None)
    return found or action.answer("unknown_key")


async def void(action: BankWrite[Any, Any], context: Context) -> Result:
    """The stored answer of the context's key; where there is none, ``not_done``, which is its answer from now on."""
    _ = context.customer_id

    async def give_up() -> Result:
        raise Refused("not_done")

    return await once(action.name, context, give_up, refusal=lambda refused: action.refusal(refused, context))


async def _stored(db: AsyncSession, owner: str, key: str, capability: str, quote_id: str | None) -> Result | None:
    same = EffectRow.key == key
    if quote_id is not None:
        same = or_(same, EffectRow.quote_id == quote_id)
    query = select(EffectRow).where(EffectRow.owner == owner, EffectRow.capability == capability, same)
    row = (await db.scalars(query.order_by(EffectRow.at).limit(1))).first()
    return None if row is None or row.result is None else Result.model_validate(row.result)


def expiry(now: dt.datetime, valid_for: dt.timedelta) -> dt.datetime:
    """When a quote made at *now* runs out, to the second."""
    return (now + valid_for).replace(microsecond=0)
