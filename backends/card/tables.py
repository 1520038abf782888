"""Cards, what they may spend, their monthly statements and transactions, and how they are repaid."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String, UniqueConstraint
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
    """One month's statement of a credit card, in minor units of CNY; ``instalments`` is the part of it repaid by a plan."""

    __tablename__ = "bank_statements"

    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"), primary_key=True)
    issued_on: Mapped[dt.date] = mapped_column(primary_key=True)
    due_on: Mapped[dt.date]
    balance: Mapped[int]
    minimum: Mapped[int]
    paid: Mapped[int]
    instalments: Mapped[int] = mapped_column(default=0)


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


class Repayment(Base):
    """A payment of a credit card out of an account, in minor units of CNY; rows are only ever added."""

    __tablename__ = "bank_card_repayments"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"))
    amount: Mapped[int]
    paid_at: Mapped[dt.datetime]


class InstalmentPlan(Base):
    """A statement (``issued_on``) or one purchase (``transaction_id``) repaid in ``terms`` monthly parts, in minor units
    of CNY. A plan with ``own_limit`` was granted beside the card's limit; any other's principal still uses that limit.
    A statement, and a purchase, is put into instalments once."""

    __tablename__ = "bank_instalment_plans"
    __table_args__ = (UniqueConstraint("card_id", "issued_on"),)

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"), index=True)
    issued_on: Mapped[dt.date | None]
    transaction_id: Mapped[str | None] = mapped_column(ForeignKey("bank_card_transactions.transaction_id"), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    principal: Mapped[int]
    interest: Mapped[int]
    terms: Mapped[int]
    first_on: Mapped[dt.date]
    own_limit: Mapped[bool]
    made_at: Mapped[dt.datetime]


class AutopayMandate(Base):
    """Whether and how a credit card, or a kind of loan, is repaid by itself: ``scope`` is ``pay_full`` or ``pay_minimum`` of
    a card, and nothing for a loan, of which each instalment is taken. A loan is given one when it is paid out."""

    __tablename__ = "bank_autopays"
    __table_args__ = (UniqueConstraint("customer_id", "loan_kind"),)

    autopay_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    card_id: Mapped[str | None] = mapped_column(ForeignKey("bank_cards.card_id"), unique=True)
    loan_kind: Mapped[str | None] = mapped_column(String(20))
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"))
    scope: Mapped[str | None] = mapped_column(String(20))
    active: Mapped[bool]
    changed_at: Mapped[dt.datetime]
    reference: Mapped[str | None] = mapped_column(String(40))


class AutopayDebit(Base):
    """One attempt to debit by autopay: what was due, what was taken, and a code of ``values.codes`` for what became of it."""

    __tablename__ = "bank_autopay_debits"

    autopay_id: Mapped[str] = mapped_column(ForeignKey("bank_autopays.autopay_id"), primary_key=True)
    tried_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    due: Mapped[int]
    taken: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(20))


class LimitOffer(Base):
    """Up to what whole limit the bank would go for a credit card today, in minor units of CNY."""

    __tablename__ = "bank_limit_offers"

    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"), primary_key=True)
    temporary: Mapped[int]
    permanent: Mapped[int]
    valid_until: Mapped[dt.date]


class LimitChange(Base):
    """A change of a card's limit that was asked for, in minor units of CNY; ``until`` is a temporary limit's last day.

    ``state`` is ``in_review``, ``effective`` or ``refused``."""

    __tablename__ = "bank_limit_changes"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    before: Mapped[int]
    after: Mapped[int]
    until: Mapped[dt.date | None]
    state: Mapped[str] = mapped_column(String(10))
    asked_at: Mapped[dt.datetime]
