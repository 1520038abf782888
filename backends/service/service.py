"""Finding the branch a customer means, and keeping what they complain about."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.service.tables import BranchOffice, ComplaintRecord

_FILLERS = re.compile(r"附近|周边|网点|支行|分行|银行|的|市|\b(?:near|around|branch|branches|in|the)\b")


async def branches_at(db: AsyncSession, place: str) -> list[BranchOffice]:
    """The branches at a place as customers name one: a city, a district, a street, or several of these together.

    The narrowest reading that finds a branch is taken: "上海徐家汇" finds one, "上海某路" those of the whole city. Of two
    cities the one named first is meant, for many a street bears another city's name.
    """
    offices = list(await db.scalars(select(BranchOffice).order_by(BranchOffice.branch_id)))
    said = _folded(_FILLERS.sub(" ", unicodedata.normalize("NFKC", place).casefold()))
    if not said:
        return []
    named = {word: office.city for office in offices for word in (_folded(office.city), _folded(office.city_en))}
    first = min((word for word in named if word in said), key=said.index, default=None)
    if first is None:
        return [office for office in offices if _in_district(office, said) or _mentions(office, said)]
    in_city = [office for office in offices if office.city == named[first]]
    rest = said.replace(first, "", 1)
    if not rest:
        return in_city
    narrower = [office for office in in_city if _in_district(office, rest) or _mentions(office, rest)]
    return narrower or [office for office in offices if _mentions(office, said)] or in_city


def _in_district(office: BranchOffice, place: str) -> bool:
    """Whether *place* names the district the branch is in."""
    names = (_folded(office.district).removesuffix("区").removesuffix("新"), _folded(office.district_en))
    return any(name in place for name in names)


def _mentions(office: BranchOffice, place: str) -> bool:
    """Whether the branch's name or address holds *place*."""
    return any(place in _folded(text) for text in (office.name, office.name_en, office.address, office.address_en))


def _folded(text: str) -> str:
    """Letters and digits only, in one case."""
    return "".join(character for character in text.casefold() if character.isalnum())


def register_complaint(db: AsyncSession, *, reference: str, owner: str, detail: str, now: dt.datetime) -> None:
    """Keeps a complaint; the caller sees to it that a repeated request does not come here twice."""
    db.add(ComplaintRecord(reference=reference, owner=owner, detail=detail, at=now))
