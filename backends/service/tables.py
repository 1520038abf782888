"""Branches and complaints."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backends.tables import Base


class BranchOffice(Base):
    """A branch. ``opens`` and ``closes`` are the bank's local time."""

    __tablename__ = "bank_branches"

    branch_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    city: Mapped[str] = mapped_column(String(20))
    city_en: Mapped[str] = mapped_column(String(40))
    district: Mapped[str] = mapped_column(String(20))
    district_en: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(120))
    address_en: Mapped[str] = mapped_column(String(160))
    phone: Mapped[str] = mapped_column(String(20))
    opens: Mapped[dt.time]
    closes: Mapped[dt.time]


class ComplaintRecord(Base):
    """A complaint in the customer's own words. ``owner`` is a customer, or one visitor's conversation."""

    __tablename__ = "bank_complaints"

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(80), index=True)
    detail: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime]
