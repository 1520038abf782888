"""Loans that are being repaid, and applications for one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backends.tables import Base


class Loan(Base):
    """A loan as it was paid out: ``principal`` in minor units of CNY, ``rate`` in per cent a year ("3.10"), repaid in
    ``months`` by ``method`` (see ``loan.schedule``) from ``first_due_on`` on; ``paid`` of the instalments were paid."""

    __tablename__ = "bank_loans"
    __table_args__ = (CheckConstraint("paid >= 0 AND paid <= months", name="paid_within_months"),)

    loan_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("bank_accounts.account_id"))
    kind: Mapped[str] = mapped_column(String(10))
    principal: Mapped[int]
    rate: Mapped[Decimal]
    months: Mapped[int]
    method: Mapped[str] = mapped_column(String(20))
    started_on: Mapped[dt.date]
    first_due_on: Mapped[dt.date]
    paid: Mapped[int]


class LoanApplication(Base):
    """An application: ``amount`` in minor units of CNY, ``stage`` (received, in_review, verifying, approved, disbursed,
    refused) since ``stage_at``. ``expected_on`` is when the next step is expected, ``reason`` why it was refused, and
    ``account_id`` where the money was paid to."""

    __tablename__ = "bank_loan_applications"

    application_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("bank_customers.customer_id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    amount: Mapped[int]
    submitted_at: Mapped[dt.datetime]
    stage: Mapped[str] = mapped_column(String(10))
    stage_at: Mapped[dt.datetime]
    expected_on: Mapped[dt.date | None]
    reason: Mapped[str | None] = mapped_column(String(200))
    reason_en: Mapped[str | None] = mapped_column(String(200))
    account_id: Mapped[str | None] = mapped_column(ForeignKey("bank_accounts.account_id"))
