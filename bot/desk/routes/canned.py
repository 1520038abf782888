"""Canned replies, looked after by supervisors and admins: added, changed, retired, and every version of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response

from bot.channels.intake import clean
from bot.desk.access import Who, needs
from bot.desk.canned import KEY, LONGEST, LONGEST_TITLE, PLACEHOLDERS, BadCanned, Canned, Stale, Unsafe
from bot.desk.checking import pieces
from bot.desk.routes.rendering import Words, render
from bot.desk.rules import Label
from bot.desk.sessions import SignedIn
from bot.problems import not_found
from bot.service import Service, Serving

Key = Annotated[str, Path(pattern=KEY)]
Title = Annotated[str, Form(max_length=4 * LONGEST_TITLE)]
Text = Annotated[str, Form(max_length=2 * LONGEST)]

router = APIRouter(prefix="/canned")


@router.get("")
@needs("supervisor", "admin")
async def canned_page(request: Request, who: Who, service: Serving) -> Response:
    """All of them."""
    return await _list(request, who, service, page="canned_page.html")


@router.post("")
@needs("supervisor", "admin")
async def save(
    request: Request,
    who: Who,
    service: Serving,
    key: Annotated[str, Form(max_length=64)],
    title_zh: Title,
    title_en: Title,
    text_zh: Text,
    text_en: Text,
    version: Annotated[int, Form(ge=0)] = 0,
    new: Annotated[bool, Form()] = False,
    reason: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Add one, or change the *version* that was seen; what the gates warn of is saved only with a reason."""
    canned = Canned(
        key=key.strip(),
        title=Label(zh=_clean(title_zh), en=_clean(title_en)),
        text=Label(zh=_clean(text_zh), en=_clean(text_en)),
        version=version,
    )
    words = Words(who.rep.language)
    try:
        await service.desk.canned.save(
            canned, new=new, actor=who.rep.id, now=service.clock(), bank=words("bank"), reason=reason.strip()
        )
    except BadCanned as error:
        problem = words(f"canned.bad.{error.reason}", what=error.what)
        return await _list(request, who, service, status=422, draft=canned, is_new=new, problem=problem)
    except Unsafe as error:
        warned = [
            (pieces(text, error.warned[language]), error.warned[language]) for language, text in error.filled.items()
        ]
        return await _list(
            request, who, service, status=422, draft=canned, is_new=new, warned=[one for one in warned if one[1]]
        )
    except Stale:
        return await _list(request, who, service, status=422, draft=canned, is_new=new, problem=words("canned.stale"))
    return await _list(request, who, service)


@router.post("/{key}/retire")
@needs("supervisor", "admin")
async def retire(
    request: Request, key: Key, who: Who, service: Serving, version: Annotated[int, Form(ge=0)]
) -> Response:
    """Let nobody send it any more; saved again, it is back."""
    try:
        await service.desk.canned.retire(key, version, actor=who.rep.id, now=service.clock())
    except KeyError:
        raise not_found() from None
    except Stale:
        return await _list(request, who, service, status=422, problem=Words(who.rep.language)("canned.stale"))
    return await _list(request, who, service)


async def _list(
    request: Request,
    who: SignedIn,
    service: Service,
    *,
    page: str = "canned_list.html",
    status: int = 200,
    draft: Canned | None = None,
    is_new: bool = False,
    problem: str = "",
    warned: object = (),
) -> Response:
    history = await service.desk.canned.history()
    return render(
        request,
        page,
        who,
        status=status,
        replies=sorted(history.values(), key=lambda versions: versions[-1].retired),
        names={rep.id: rep.called(who.rep.language) for rep in await service.desk.accounts.all()},
        draft=draft,
        is_new=is_new,
        problem=problem,
        warned=warned,
        placeholders=PLACEHOLDERS,
        longest=LONGEST,
        longest_title=LONGEST_TITLE,
    )


def _clean(text: str) -> str:
    """*text* as it may be kept; empty where nothing is left of it."""
    try:
        return clean(text.replace("\r\n", "\n"))
    except ValueError:
        return ""
