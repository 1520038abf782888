"""What the bank keeps about serving a card: points, annual fees, applications, declines, replacements, disputes."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backends.tables import Base


class PointsEntry(Base):
    """One movement of a customer's points; rows are only ever added. What was earned (above zero) lasts until and on
    ``expires_on``; what was redeemed or taken back is below zero. ``reason`` is a code of ``values.codes``."""

    __tablename__ = "bank_points_entries"

    entry_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    happened_on: Mapped[dt.date]
    points: Mapped[int]
    reason: Mapped[str] = mapped_column(String(20))
    expires_on: Mapped[dt.date | None]


class Reward(Base):
    """What points are redeemed for, and for how many."""

    __tablename__ = "bank_rewards"

    reward_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    points: Mapped[int]


class AnnualFee(Base):
    """A card's yearly fee in minor units of CNY, charged for the year that ends on ``next_on``.

    ``waiver``: ``purchases`` (``purchases_needed`` of them within the year), ``exempt`` (never charged) or ``fixed``
    (always charged). ``last_taken`` is what was charged on ``last_on``: zero where the fee was waived.
    """

    __tablename__ = "bank_annual_fees"

    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"), primary_key=True)
    fee: Mapped[int]
    waiver: Mapped[str] = mapped_column(String(10))
    purchases_needed: Mapped[int]
    purchases_made: Mapped[int]
    next_on: Mapped[dt.date]
    last_on: Mapped[dt.date | None]
    last_taken: Mapped[int | None]


class CardApplication(Base):
    """An application for a card. ``stage`` and ``refusal`` are codes of ``values.codes``; ``missing`` names the papers
    that review waits for."""

    __tablename__ = "bank_card_applications"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    kind: Mapped[str] = mapped_column(String(6))
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    stage: Mapped[str] = mapped_column(String(20))
    submitted_on: Mapped[dt.date]
    expected_by: Mapped[dt.date | None]
    decided_on: Mapped[dt.date | None]
    missing: Mapped[str | None] = mapped_column(String(120))
    missing_en: Mapped[str | None] = mapped_column(String(120))
    refusal: Mapped[str | None] = mapped_column(String(30))


class Decline(Base):
    """A payment that a card did not make, in minor units of CNY; ``reason`` is a key of ``declines.REASONS``."""

    __tablename__ = "bank_card_declines"

    decline_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"), index=True)
    tried_at: Mapped[dt.datetime]
    merchant: Mapped[str] = mapped_column(String(80))
    merchant_en: Mapped[str] = mapped_column(String(80))
    amount: Mapped[int]
    reason: Mapped[str] = mapped_column(String(20))


class Plastic(Base):
    """The physical card: its last day, and until when a replacement of it is under way."""

    __tablename__ = "bank_card_plastics"

    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"), primary_key=True)
    valid_until: Mapped[dt.date]
    replacing_until: Mapped[dt.date | None]


class MailingAddress(Base):
    """Where a customer's cards are sent: ``area`` may be shown to them, ``detail`` is never read out."""

    __tablename__ = "bank_mailing_addresses"

    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), primary_key=True)
    area: Mapped[str] = mapped_column(String(80))
    area_en: Mapped[str] = mapped_column(String(80))
    detail: Mapped[str] = mapped_column(String(160))


class Replacement(Base):
    """A new card made for an old one, its fee in minor units of CNY; rows are only ever added.

    It is mailed on ``mailed_on`` and expected by ``expected_by``; ``delivered_on`` is known once the courier says so.
    """

    __tablename__ = "bank_card_replacements"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("bank_cards.card_id"))
    reason: Mapped[str] = mapped_column(String(20))
    fee: Mapped[int]
    asked_at: Mapped[dt.datetime]
    mailed_on: Mapped[dt.date]
    expected_by: Mapped[dt.date]
    delivered_on: Mapped[dt.date | None]


class Dispute(Base):
    """A transaction that its customer does not accept; a transaction is disputed once. ``state`` and ``reason`` are
    codes of ``values.codes``."""

    __tablename__ = "bank_card_disputes"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    transaction_id: Mapped[str] = mapped_column(ForeignKey("bank_card_transactions.transaction_id"), unique=True)
    reason: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    registered_at: Mapped[dt.datetime]
    answer_by: Mapped[dt.date]
