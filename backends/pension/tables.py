"""Individual pension accounts and what was paid into them."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backends.tables import Base


class PensionAccount(Base):
    """A customer's individual pension account; ``balance`` in minor units of CNY, with what its products are worth."""

    __tablename__ = "bank_pension_accounts"

    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), primary_key=True)
    opened_on: Mapped[dt.date]
    balance: Mapped[int]


class PensionPayment(Base):
    """One payment into the account, in minor units of CNY: it counts for the calendar year of ``paid_on``."""

    __tablename__ = "bank_pension_payments"

    payment_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    paid_on: Mapped[dt.date]
    amount: Mapped[int]
