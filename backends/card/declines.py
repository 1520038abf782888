"""Payments that a card did not make: which, why, and what helps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import ActionInput, BankAction, Context, Refused
from backends.card import service
from backends.card.service import card_name
from backends.card.service_tables import Decline
from backends.card.tables import Card
from backends.facts import Said, Words
from backends.inputs import OptionalDate, OptionalText
from backends.result import Result, Row
from backends.search import RECENT, Search, amount_bounds, bounds
from backends.values import Count, Money, Period

MOST_LISTED = 5
"""How many declines a reply lists: the newest."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a payment was declined, and what its customer can do."""

    why: Words
    remedy: Words


REASONS: dict[str, Reason] = {
    "over_limit": Reason(
        Words("可用额度不足", "not enough of the credit limit was left"),
        Words(
            "先还上部分欠款，额度会随之腾出，也可以申请临时额度",
            "repay part of the balance, or ask for a temporary limit",
        ),
    ),
    "insufficient": Reason(
        Words("账户余额不足", "the account balance was too low"),
        Words("往这个账户存入资金后再付", "pay money into the account and try again"),
    ),
    "frozen_card": Reason(
        Words("卡片处于挂失或冻结状态", "the card is reported lost or frozen"),
        Words("这张卡不能继续使用，需要补办新卡", "this card cannot be used any more; please order a replacement"),
    ),
    "wrong_pin": Reason(
        Words("交易密码输入有误", "the PIN was wrong"),
        Words("核对密码再试；忘记密码请在手机银行重置", "check the PIN and try again, or reset it in the mobile app"),
    ),
    "merchant_category": Reason(
        Words("商户类别不支持信用卡付款", "this kind of merchant does not take credit cards"),
        Words("换借记卡或其他方式付款", "pay with a debit card or another way"),
    ),
    "card_expired": Reason(
        Words("卡片已过有效期", "the card is past its expiry date"),
        Words("申请到期换卡，收到新卡后再用", "order the renewed card and use that one"),
    ),
    "risk_control": Reason(
        Words("交易触发了风险保护", "the payment set off fraud protection"),
        Words(
            "确认是本人交易的，请在手机银行的安全中心核实后重试，或请人工同事协助",
            "if it was you, verify it in the app's security centre and try again, or ask a colleague of mine",
        ),
    ),
    "online_limit": Reason(
        Words("超出您设置的线上支付限额", "it was above the online payment limit you set"),
        Words("在手机银行的支付限额里调高后再付", "raise the online limit in the mobile app and try again"),
    ),
}
"""The reasons a decline is recorded with. They say what the customer can act on, never how fraud is recognised."""


async def declines(db: AsyncSession, cards: Sequence[Card], search: Search, now: dt.datetime) -> list[Decline]:
    """What *cards* did not pay lately and fits *search*, the newest first."""
    query = select(Decline).where(
        Decline.card_id.in_([card.card_id for card in cards]), Decline.tried_at >= now - RECENT, Decline.tried_at <= now
    )
    if search.period is not None:
        first, end = bounds(search.period)
        query = query.where(Decline.tried_at >= first, Decline.tried_at < end)
    found = await db.scalars(query.order_by(Decline.tried_at.desc(), Decline.decline_id))
    return [each for each in found if search.fits(each.amount, each.merchant, each.merchant_en)]


class CardDeclinedInput(ActionInput):
    card_tail: OptionalText = None
    card_kind: OptionalText = None
    card_product: OptionalText = None
    merchant: OptionalText = None
    amount: OptionalText = None
    date: OptionalDate = None


class CardDeclined(BankAction[CardDeclinedInput]):
    """The last payments that a customer's cards did not make, with the reason in words and what to do."""

    name = "card_declined"
    outcomes = frozenset({"found", "frozen", "no_match", "none", "no_card", "not_found", "invalid_amount"})
    source = "card"
    Input = CardDeclinedInput

    async def run(self, given: CardDeclinedInput, context: Context) -> Result:
        cards = await service.meant(
            context.db,
            context.customer_id,
            tail=given.card_tail,
            kind=given.card_kind,
            product=given.card_product,
        )
        least, most = (None, None) if given.amount is None else amount_bounds(given.amount)
        day = None if given.date is None else Period(given.date, given.date)
        found = await declines(context.db, cards, Search(day, given.merchant, least, most), context.now)
        if not found:
            raise self._nothing(cards, given, least)
        held = {card.card_id: card for card in cards}
        listed = found[:MOST_LISTED]
        return self.answer(
            "found",
            self.facts(context, decline_count=Count(len(listed), "transaction")),
            rows=tuple(self._row(each, held[each.card_id], context) for each in listed),
        )

    def _nothing(self, cards: Sequence[Card], given: CardDeclinedInput, least: Money | None) -> Refused:
        """Nothing was declined: the card may be frozen, or the payment never reached the bank."""
        frozen = [card for card in cards if card.frozen_at is not None]
        if frozen:
            card = frozen[0]
            return Refused("frozen", card_name=card_name(card), card_tail=card.tail, frozen_at=card.frozen_at)
        if given.merchant is None and least is None and given.date is None:
            return Refused("none")
        return Refused(
            "no_match",
            merchant_asked=None if given.merchant is None else Said(given.merchant),
            amount=None if least is None else Said(least),
            day=None if given.date is None else Said(given.date),
        )

    def _row(self, each: Decline, card: Card, context: Context) -> Row:
        reason = REASONS[each.reason]
        return self.facts(
            context,
            tried_at=each.tried_at,
            merchant=Words(each.merchant, each.merchant_en),
            amount=Money(each.amount),
            card_name=card_name(card),
            card_tail=card.tail,
            decline_reason=reason.why,
            remedy=reason.remedy,
        )
