"""Products on sale and customers' risk assessments."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backends.tables import Base


class Product(Base):
    """A product on sale. Percentages are decimal text ("2.10" is 2.10 %), ``min_amount`` minor units of CNY, ``term`` ISO
    8601; a product without a term can be left at any time, as ``redemption`` says."""

    __tablename__ = "bank_products"

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    type: Mapped[str] = mapped_column(String(20))
    risk_level: Mapped[str] = mapped_column(String(2))
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


class RiskAssessment(Base):
    """The customer's last assessment: ``level`` C1 (cautious) to C5, valid until and on ``valid_until``."""

    __tablename__ = "bank_risk_assessments"

    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), primary_key=True)
    level: Mapped[str] = mapped_column(String(2))
    assessed_on: Mapped[dt.date]
    valid_until: Mapped[dt.date]
