"""Finding the branch a customer means, and keeping what they complain about."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.service.tables import BranchOffice, ComplaintRecord

_FILLERS = re.compile(r"(附近|周边|网点|支行|分行|银行|的|市|near|around|branch(?:es)?|in|the)")


async def branches_at(db: AsyncSession, place: str) -> list[BranchOffice]:
    """The branches at a place as customers name one: a city, a district, a street, or several of these together.

    The narrowest reading that finds a branch is taken, so "上海徐家汇" finds one and "上海某路" those of the whole city.
    """
    offices = list(await db.scalars(select(BranchOffice).order_by(BranchOffice.branch_id)))
    said = _folded(place)
    cities = [office for office in offices if _folded(office.city) in said or _folded(office.city_en) in said]
    rest = said
    for office in cities:
        rest = rest.replace(_folded(office.city), "").replace(_folded(office.city_en), "")
    rest = _FILLERS.sub("", rest)
    if not rest:
        return cities
    narrower = [office for office in cities if _is_at(office, rest)]
    return narrower or [office for office in offices if _is_at(office, _FILLERS.sub("", said))] or cities


def _is_at(office: BranchOffice, place: str) -> bool:
    districts = (_folded(office.district).removesuffix("区").removesuffix("新"), _folded(office.district_en))
    whole = (_folded(text) for text in (office.name, office.name_en, office.address, office.address_en))
    return any(district in place for district in districts) or any(place in text for text in whole)


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def register_complaint(db: AsyncSession, *, reference: str, owner: str, detail: str, now: dt.datetime) -> None:
    """Keeps a complaint; the caller sees to it that a repeated request does not come here twice."""
    db.add(ComplaintRecord(reference=reference, owner=owner, detail=detail, at=now))
