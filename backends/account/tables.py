"""Customers and the money they hold with the bank."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backends.tables import Base


class Customer(Base):
    """A person the bank knows. ``gender`` (``f`` or ``m``) is kept for the form of address only."""

    __tablename__ = "bank_customers"

    customer_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    family_name: Mapped[str] = mapped_column(String(40))
    family_name_en: Mapped[str] = mapped_column(String(40))
    gender: Mapped[str] = mapped_column(String(1))
    born_on: Mapped[dt.date]
    tier: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(2))
    phone: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(200))
    note_en: Mapped[str] = mapped_column(String(200))


class Account(Base):
    """A deposit account; its number is that of the debit card, of which customers know the last four digits."""

    __tablename__ = "bank_accounts"

    account_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    tail: Mapped[str] = mapped_column(String(4))
    opened_on: Mapped[dt.date]


class Balance(Base):
    """What an account holds in one currency, in minor units; never below zero, whatever the code above does."""

    __tablename__ = "bank_balances"
    __table_args__ = (CheckConstraint("minor >= 0", name="balance_not_negative"),)

    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    minor: Mapped[int]
