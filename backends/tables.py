"""What the domains' tables share: one declarative base, column types that lose nothing, and the book of quotes and effects.

Money is an integer of minor units, a rate is decimal text, a time is UTC and aware: equal on SQLite and PostgreSQL.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware time, kept in UTC. SQLite keeps no zone, so it is put back on the way out; a naive time is an error."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time cannot be stored: say which zone it is in")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class ExactDecimal(TypeDecorator[Decimal]):
    """A ``Decimal`` kept as text, because SQLite would keep it as a float."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Base(DeclarativeBase):
    """Every table of the bank; names start with ``bank_`` because the bot may share the database."""

    type_annotation_map = {
        dt.datetime: UtcDateTime,
        Decimal: ExactDecimal,
        int: BigInteger,
        dict[str, Any]: JSON,
    }


class QuoteRow(Base):
    """What ``prepare`` offered: the terms to carry out and the digest of the figures that were read back."""

    __tablename__ = "bank_quotes"

    quote_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(40), index=True)
    capability: Mapped[str] = mapped_column(String(40))
    terms: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[dt.datetime]


class EffectRow(Base):
    """A key that was used, and the answer it got. One row a key and owner; a quote is carried out at most once."""

    __tablename__ = "bank_effects"
    __table_args__ = (UniqueConstraint("owner", "key"),)

    effect_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(200))
    capability: Mapped[str] = mapped_column(String(40))
    quote_id: Mapped[str | None] = mapped_column(String(40), unique=True)
    result: Mapped[dict[str, Any] | None]
    at: Mapped[dt.datetime]
