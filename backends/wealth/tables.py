"""Products and how they are sold, customers' risk assessments, what they hold and what they ordered."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backends.tables import Base


class Product(Base):
    """A product on sale. Percentages are decimal text ("2.10" is 2.10 %), ``min_amount`` minor units of CNY, ``term`` ISO
    8601; a product without a term can be left at any time, as ``redemption`` says. ``risk_level`` is the bank's own rating,
    ``issuer_risk_level`` that of an issuer who differs."""

    __tablename__ = "bank_products"

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    type: Mapped[str] = mapped_column(String(20))
    risk_level: Mapped[str] = mapped_column(String(2))
    issuer_risk_level: Mapped[str | None] = mapped_column(String(2))
    term: Mapped[str | None] = mapped_column(String(10))
    redemption: Mapped[str | None] = mapped_column(String(80))
    redemption_en: Mapped[str | None] = mapped_column(String(80))
    min_amount: Mapped[int]
    benchmark_low: Mapped[Decimal | None]
    benchmark_high: Mapped[Decimal | None]
    year_return: Mapped[Decimal | None]
    return_from: Mapped[dt.date | None]
    return_to: Mapped[dt.date | None]
    rate: Mapped[Decimal | None]
    fee: Mapped[Decimal | None]
    nav: Mapped[Decimal | None]
    nav_date: Mapped[dt.date | None]


class DailyNav(Base):
    """The net asset value of a unit on a past day."""

    __tablename__ = "bank_daily_navs"

    code: Mapped[str] = mapped_column(ForeignKey("bank_products.code"), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    nav: Mapped[Decimal]


class RiskAssessment(Base):
    """The customer's last assessment: ``level`` C1 (cautious) to C5, valid until and on ``valid_until``."""

    __tablename__ = "bank_risk_assessments"

    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), primary_key=True)
    level: Mapped[str] = mapped_column(String(2))
    assessed_on: Mapped[dt.date]
    valid_until: Mapped[dt.date]


class Sale(Base):
    """How a product is bought and left online; a product without one is sold elsewhere (at a branch, in its own page).

    ``step`` is the unit of purchases beyond the minimum, in minor units of CNY; ``min_units`` hundredths of a unit that
    a part redemption must leave; the fees are percentages; ``redeem_days`` the trading days from a redemption to its
    payout; ``quota_left`` what may still be sold, in minor units of CNY, ``None`` where nothing bounds it.
    """

    __tablename__ = "bank_sales"
    __table_args__ = (CheckConstraint("quota_left >= 0", name="quota_not_negative"),)

    code: Mapped[str] = mapped_column(ForeignKey("bank_products.code"), primary_key=True)
    step: Mapped[int]
    min_units: Mapped[int]
    purchase_fee: Mapped[Decimal]
    redemption_fee: Mapped[Decimal]
    redeem_days: Mapped[int]
    quota_left: Mapped[int | None]


class Holding(Base):
    """A lot of a product from one purchase: ``units`` in hundredths, so that the database can compare them; ``cost`` in
    minor units of CNY. Until ``confirm_on`` it awaits confirmation; ``matures_on`` is that of a product with a term."""

    __tablename__ = "bank_holdings"
    __table_args__ = (CheckConstraint("units >= 0", name="units_not_negative"),)

    holding_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"))
    code: Mapped[str] = mapped_column(ForeignKey("bank_products.code"))
    units: Mapped[int]
    cost: Mapped[int]
    confirm_on: Mapped[dt.date]
    matures_on: Mapped[dt.date | None]


class WealthOrder(Base):
    """A purchase (``side`` buy) or redemption (redeem) that was placed: ``amount`` paid, or estimated to be paid out, in
    minor units of CNY, ``units`` in hundredths; ``settles_on`` is the day of confirmation, or of the payout."""

    __tablename__ = "bank_wealth_orders"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"))
    code: Mapped[str] = mapped_column(ForeignKey("bank_products.code"))
    side: Mapped[str] = mapped_column(String(6))
    amount: Mapped[int]
    units: Mapped[int]
    settles_on: Mapped[dt.date]
    placed_at: Mapped[dt.datetime]


class DepositRate(Base):
    """A published rate of a ``kind`` of deposit (demand, deposit, notice_deposit, large_cd): ``rate`` in per cent a year,
    ``min_amount`` in minor units of ``currency``, ``term`` ISO 8601 where it has one. It holds from ``effective_from`` until
    a later one of the same kind and term; ``place`` is its place in the published list."""

    __tablename__ = "bank_deposit_rates"

    rate_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3))
    term: Mapped[str | None] = mapped_column(String(10))
    rate: Mapped[Decimal]
    min_amount: Mapped[int]
    effective_from: Mapped[dt.date]
    place: Mapped[int]


class GoldPrice(Base):
    """The seeded middle price of gold, in CNY a gram."""

    __tablename__ = "bank_gold_prices"

    grade: Mapped[str] = mapped_column(String(20), primary_key=True)
    mid: Mapped[Decimal]
