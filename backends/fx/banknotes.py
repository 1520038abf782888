"""Reserving foreign banknotes at a branch, and cancelling a reservation."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from backends.action import ActionInput, BankWrite, Context, Offer, Refused
from backends.effects import expiry, reference_for
from backends.facts import Vouched, Words
from backends.fx import cash
from backends.fx.cash import CashTerms, Reserved, Reserving
from backends.fx.holdings import Held, holding
from backends.inputs import OptionalDate, OptionalText
from backends.result import Choice, Result
from backends.rules import minutes_rule, ruled
from backends.search import midnight
from backends.service.tables import BranchOffice
from backends.values import Money


class FxCashInput(ActionInput):
    """``city`` is any place, or a branch's name; ``wish`` is read from plain words."""

    amount: OptionalText = None
    currency: OptionalText = None
    date: OptionalDate = None
    city: OptionalText = None
    wish: Literal["cancel"] | None = None


class FxCash(BankWrite[FxCashInput, CashTerms]):
    """Puts foreign banknotes aside at a branch, within the day's maximum and the customer's balance.

    Until it lapses a reservation can be cancelled in the same way as it was made: ``wish`` set to ``cancel`` prepares
    that, of the one made last, or of the one in ``currency``.
    """

    name = "fx_cash"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "no_record",
            "ready",
            "ready_cancel",
            "choose_currency",
            "choose_amount",
            "choose_city",
            "choose",
            "no_balance",
            "insufficient_funds",
            "over_daily",
            "date_unavailable",
            "wrong_step",
            "unsupported",
            "invalid_amount",
            "no_account",
            "not_found",
            "no_reservation",
            "done",
            "done_cancel",
        }
    )
    source = "fx"
    Input = FxCashInput
    Terms = CashTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        return self.answer(
            "explain",
            self.facts(
                context,
                advance_days=ruled("fx_cash_advance_days", day),
                daily_limit=ruled("fx_cash_daily_limit", day),
                carry_free=ruled("fx_carry_free", day),
                carry_permit=ruled("fx_carry_permit", day),
                hotline=ruled("hotline", day),
            ),
        )

    async def status(self, context: Context) -> Result:
        found = await cash.latest(context.db, context.customer_id)
        if found is None:
            raise Refused("no_record")
        stage = cash.status_of(found.reservation, context.today)
        return self.answer(
            "status",
            self.facts(
                context,
                **_described(found),
                reservation_status=stage,
                kept_until=cash.kept_until(found.reservation, context.today) if stage == "notes_ready" else None,
            ),
        )

    async def offer(self, given: FxCashInput, context: Context) -> Offer[CashTerms] | Result:
        if given.wish == "cancel":
            return await self._offer_cancel(given.currency, context)
        kinds = await cash.note_kinds(context.db)
        if given.currency is None:
            return self._ask_currency(list(kinds), context)
        step = cash.require_kept(given.currency, kinds)
        payer = await holding(context.db, context.customer_id, None, given.currency)
        free = await cash.free_balance(context.db, context.customer_id, payer, context.today)
        pickup_on = cash.pickup_day(given.date, context.today)
        if given.amount is None:
            return await self._ask_amount(payer, free, step, pickup_on, context)
        money = cash.to_reserve(given.amount, step)
        if free < money:
            raise Refused("insufficient_funds", amount=money, fx_balance=free, account_tail=payer.account.tail)
        if given.city is None:
            return self._ask_city(await cash.cities(context.db), context)
        offices = await cash.branches(context.db, given.city)
        if len(offices) > 1:
            return self._ask_branch(offices, context)
        reserving = Reserving(
            account_id=payer.account.account_id,
            account_tail=payer.account.tail,
            branch_id=offices[0].branch_id,
            currency=given.currency,
            amount=money.minor,
            amount_usd=(await cash.in_usd(context.db, money, context.now)).minor,
            pickup_on=pickup_on,
        )
        await cash.require_within_day(context.db, context.customer_id, reserving, context.today)
        expires_at = self._expiry(context)
        ready = self.answer(
            "ready",
            self.facts(
                context,
                amount=money,
                branch_name=Words(offices[0].name, offices[0].name_en),
                address=Words(offices[0].address, offices[0].address_en),
                pickup_on=pickup_on,
                account_tail=payer.account.tail,
                expires_at=expires_at,
            ),
        )
        return Offer(ready, CashTerms(reserve=reserving), expires_at)

    async def perform(self, terms: CashTerms, context: Context) -> Result:
        reference = reference_for(context)
        if terms.cancel is not None:
            undone = await cash.cancel(context.db, context.customer_id, terms.cancel, now=context.now)
            return self.answer(
                "done_cancel",
                self.facts(context, **{**_described(undone), "reference": reference}, done_at=context.now),
                completed=True,
            )
        assert terms.reserve is not None
        await cash.reserve(
            context.db,
            context.customer_id,
            terms.reserve,
            reference=reference,
            now=context.now,
            today=context.today,
        )
        office = await context.db.get_one(BranchOffice, terms.reserve.branch_id)
        return self.answer(
            "done",
            self.facts(
                context,
                amount=terms.reserve.money,
                branch_name=Words(office.name, office.name_en),
                address=Words(office.address, office.address_en),
                pickup_on=terms.reserve.pickup_on,
                account_tail=terms.reserve.account_tail,
                carry_free=ruled("fx_carry_free", context.today),
                done_at=context.now,
                reference=reference,
            ),
            completed=True,
        )

    async def _offer_cancel(self, currency: str | None, context: Context) -> Offer[CashTerms]:
        open_now = await cash.open_reservations(context.db, context.customer_id, context.today)
        meant = [each for each in open_now if currency in (None, each.currency)]
        if not meant:
            raise Refused("no_reservation")
        found = await cash.with_branch(context.db, meant[0])
        expires_at = self._expiry(context)
        ready = self.answer("ready_cancel", self.facts(context, **_described(found), expires_at=expires_at))
        return Offer(ready, CashTerms(cancel=found.reservation.reference), expires_at)

    def _expiry(self, context: Context) -> dt.datetime:
        """When a quote runs out: before the bank's day does, because the first possible day moves with it."""
        lapses = expiry(context.now, minutes_rule("fx_cash_quote_minutes", context.today))
        return min(lapses, midnight(context.today + dt.timedelta(days=1)).astimezone(dt.UTC))

    def _ask_currency(self, currencies: list[str], context: Context) -> Result:
        rows = [self.facts(context, currency=code) for code in currencies]
        choices = tuple(
            Choice(slot="currency", value=code, facts=row) for code, row in zip(currencies, rows, strict=True)
        )
        return self.answer("choose_currency", choices=choices)

    async def _ask_amount(self, payer: Held, free: Money, step: Money, pickup_on: dt.date, context: Context) -> Result:
        """Asks how much; as much as the balance, the notes and the day's maximum allow is offered."""
        if free < step:
            raise Refused("no_balance", currency=free.currency)
        room = await cash.room_on(context.db, context.customer_id, pickup_on, context.today)
        unit = (await cash.in_usd(context.db, step, context.now)).minor
        most = min(free.minor // step.minor, room.minor // max(unit, 1))
        if most == 0:
            limit = ruled("fx_cash_daily_limit", context.today)
            raise Refused("over_daily", daily_limit=limit, pickup_on=pickup_on)
        offered = Money(most * step.minor, free.currency)
        stated = self.facts(context, fx_balance=free, account_tail=payer.account.tail, amount_step=step)
        choice = Choice(
            slot="amount",
            value=f"{offered.number} {offered.currency}",
            facts=self.facts(context, amount=offered),
        )
        return self.answer("choose_amount", stated, choices=(choice,))

    def _ask_city(self, cities: list[Words], context: Context) -> Result:
        choices = tuple(
            Choice(slot="city", value=each.zh, facts=self.facts(context, city_name=each)) for each in cities
        )
        return self.answer("choose_city", choices=choices)

    def _ask_branch(self, offices: list[BranchOffice], context: Context) -> Result:
        rows = [
            self.facts(
                context,
                branch_name=Words(office.name, office.name_en),
                address=Words(office.address, office.address_en),
            )
            for office in offices
        ]
        choices = tuple(
            Choice(slot="city", value=office.name, facts=row) for office, row in zip(offices, rows, strict=True)
        )
        return self.answer("choose", rows=tuple(rows), choices=choices)


def _described(found: Reserved) -> dict[str, Vouched]:
    """What a customer knows a reservation by."""
    return {
        "amount": found.money,
        "branch_name": Words(found.branch.name, found.branch.name_en),
        "pickup_on": found.reservation.pickup_on,
        "reference": found.reservation.reference,
    }
