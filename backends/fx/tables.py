"""Mid prices, the year's quotas and the orders of foreign exchange."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backends.tables import Base


class MidPrice(Base):
    """The day's middle price of a currency: CNY for 100 units."""

    __tablename__ = "bank_fx_mid_prices"

    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    mid: Mapped[Decimal]


class DailyMid(Base):
    """The middle price of a past weekday: CNY for 100 units."""

    __tablename__ = "bank_fx_daily_mids"

    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    mid: Mapped[Decimal]


class QuotaUse(Base):
    """What a customer has bought and sold in a calendar year, in US cents at the middle price."""

    __tablename__ = "bank_fx_quota_use"

    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    purchased: Mapped[int]
    settled: Mapped[int]


class Order(Base):
    """A purchase that was carried out: ``amount`` of ``currency`` for ``cost`` of CNY, both in minor units."""

    __tablename__ = "bank_fx_orders"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int]
    cost: Mapped[int]
    rate: Mapped[Decimal]
    purpose: Mapped[str] = mapped_column(String(20))
    done_at: Mapped[dt.datetime]


class CurrencySale(Base):
    """A sale that was carried out: ``amount`` of ``currency`` for ``proceeds`` in CNY, both in minor units."""

    __tablename__ = "bank_fx_sales"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int]
    proceeds: Mapped[int]
    rate: Mapped[Decimal]
    purpose: Mapped[str] = mapped_column(String(20))
    done_at: Mapped[dt.datetime]


class Remittance(Base):
    """Money sent abroad (``outgoing``) or coming from there: ``amount`` in minor units of ``currency``, ``fee`` in those of
    CNY. ``abroad_fee`` is what banks abroad took off on the way. ``also`` are other names, between bars; ``documents`` is
    what the bank waits for."""

    __tablename__ = "bank_remittances"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"), index=True)
    direction: Mapped[str] = mapped_column(String(10))
    counterparty: Mapped[str] = mapped_column(String(80))
    counterparty_en: Mapped[str] = mapped_column(String(80))
    is_person: Mapped[bool]
    bank: Mapped[str] = mapped_column(String(80))
    bank_en: Mapped[str] = mapped_column(String(80))
    bank_also: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(40))
    country_en: Mapped[str] = mapped_column(String(40))
    country_also: Mapped[str] = mapped_column(String(200))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int]
    fee: Mapped[int]
    abroad_fee: Mapped[int]
    purpose: Mapped[str] = mapped_column(String(20))
    expected_on: Mapped[dt.date]
    documents: Mapped[str | None] = mapped_column(String(120))
    documents_en: Mapped[str | None] = mapped_column(String(160))
    return_reason: Mapped[str | None] = mapped_column(String(30))


class RemittanceStep(Base):
    """When a remittance came to a stage, in the order of ``number``."""

    __tablename__ = "bank_remittance_steps"

    reference: Mapped[str] = mapped_column(ForeignKey("bank_remittances.reference"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stage: Mapped[str] = mapped_column(String(20))
    at: Mapped[dt.datetime]


class NoteKind(Base):
    """A currency whose banknotes the bank keeps, given out in multiples of ``step`` minor units."""

    __tablename__ = "bank_fx_notes"

    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    step: Mapped[int]


class CashReservation(Base):
    """Banknotes put aside at a branch: ``amount`` in minor units of ``currency``, to be drawn from the account there."""

    __tablename__ = "bank_fx_reservations"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("bank_branches.branch_id"))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int]
    amount_usd: Mapped[int]
    pickup_on: Mapped[dt.date]
    reserved_at: Mapped[dt.datetime]
    cancelled_at: Mapped[dt.datetime | None]


class CashDay(Base):
    """What a customer has reserved for a day, in US cents at the middle price; never below zero."""

    __tablename__ = "bank_fx_cash_days"
    __table_args__ = (CheckConstraint("reserved_usd >= 0", name="reserved_not_negative"),)

    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    reserved_usd: Mapped[int]
