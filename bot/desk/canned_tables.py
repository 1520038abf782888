"""The SQL table of canned replies: every version that was made of one on the page."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.records import Base


class CannedRow(Base):
    """One version of a canned reply, never changed. The file's own is version 0 and is not here."""

    __tablename__ = "desk_canned"

    key: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title_zh: Mapped[str]
    title_en: Mapped[str]
    text_zh: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text)
    retired: Mapped[bool]
    author: Mapped[str]
    at: Mapped[dt.datetime]
