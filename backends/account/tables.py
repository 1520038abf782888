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


class Entry(Base):
    """One movement on an account, in minor units of CNY; money that went out is below zero. ``channel`` is how it was
    moved, where a person did; ``counterparty`` is ready to be shown, so a person's name is masked in it."""

    __tablename__ = "bank_account_entries"

    entry_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"), index=True)
    booked_at: Mapped[dt.datetime]
    kind: Mapped[str] = mapped_column(String(20))
    counterparty: Mapped[str] = mapped_column(String(80))
    counterparty_en: Mapped[str] = mapped_column(String(80))
    channel: Mapped[str | None] = mapped_column(String(10))
    amount: Mapped[int]


class Transfer(Base):
    """A transfer to (``outgoing``) or from (``incoming``) somebody else's account, in minor units of CNY.

    It is under way until ``ended_at``; then it has arrived, or came back where it has a ``return_reason``. What is under
    way is to end by ``expected_at``. ``counterparty`` is the full name, ``bank_also`` other names of their bank, between
    bars.
    """

    __tablename__ = "bank_transfers"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"), index=True)
    direction: Mapped[str] = mapped_column(String(10))
    counterparty: Mapped[str] = mapped_column(String(80))
    counterparty_en: Mapped[str] = mapped_column(String(80))
    is_person: Mapped[bool]
    counterparty_tail: Mapped[str] = mapped_column(String(4))
    bank: Mapped[str] = mapped_column(String(80))
    bank_en: Mapped[str] = mapped_column(String(80))
    bank_also: Mapped[str] = mapped_column(String(200))
    channel: Mapped[str] = mapped_column(String(10))
    amount: Mapped[int]
    sent_at: Mapped[dt.datetime]
    expected_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime]
    return_reason: Mapped[str | None] = mapped_column(String(30))
