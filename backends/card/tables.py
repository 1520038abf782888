"""Cards, what they may spend, their monthly statements and their transactions."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backends.tables import Base


class Card(Base):
    """A bank card. The limits are those of a credit card, in minor units of CNY; a debit card has none.

    ``temporary_limit`` is the whole limit until and on ``temporary_until``, not an addition to it.
    """

    __tablename__ = "bank_cards"

    card_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    tail: Mapped[str] = mapped_column(String(4))
    kind: Mapped[str] = mapped_column(String(6))
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    credit_limit: Mapped[int | None]
    cash_limit: Mapped[int | None]
    used: Mapped[int | None]
    temporary_limit: Mapped[int | None]
    temporary_until: Mapped[dt.date | None]
    frozen_at: Mapped[dt.datetime | None]
    frozen_reference: Mapped[str | None] = mapped_column(String(40))


class Statement(Base):
    """One month's statement of a credit card, in minor units of CNY."""

    __tablename__ = "bank_statements"

    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"), primary_key=True)
    issued_on: Mapped[dt.date] = mapped_column(primary_key=True)
    due_on: Mapped[dt.date]
    balance: Mapped[int]
    minimum: Mapped[int]
    paid: Mapped[int]


class Transaction(Base):
    """One purchase or refund with a credit card, in minor units of CNY; a refund is below zero. It is on the books from
    ``posted_on`` on, and on the first statement issued that day or later."""

    __tablename__ = "bank_card_transactions"

    transaction_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"), index=True)
    spent_at: Mapped[dt.datetime]
    posted_on: Mapped[dt.date]
    merchant: Mapped[str] = mapped_column(String(80))
    merchant_en: Mapped[str] = mapped_column(String(80))
    amount: Mapped[int]
