"""Correcting turns: the panel beside a transcript, the list, the review by another person, the export."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response

from bot.desk.access import Who, needs
from bot.desk.correctable import Meaning, NoSuchTurn, Turn
from bot.desk.correction_checks import Problem
from bot.desk.correction_export import ENDINGS, FORMS, with_marks
from bot.desk.corrections import (
    LONGEST,
    AlreadyQuarantined,
    BadCorrection,
    Correction,
    NoSuchCorrection,
    NotClean,
    NothingNew,
    NotTheirs,
    Stale,
    Status,
)
from bot.desk.routes.rendering import Words, render
from bot.desk.sessions import SignedIn
from bot.problems import not_found
from bot.service import Service, Serving
from intents.capability import catalog, parse_example, slot_types
from intents.tagging import Spans
from intents.understanding import Act

LISTED = 200
"""Corrections of one page, the newest of them."""
Text = Annotated[str, Form(max_length=2 * LONGEST)]

router = APIRouter(prefix="/corrections")


@router.get("")
@needs("rep", "supervisor")
async def corrections_page(
    request: Request, who: Who, service: Serving, show: Annotated[Status, Query()] = "quarantined"
) -> Response:
    """The corrections in one status: a supervisor's are all, a rep's their own."""
    author = None if who.rep.role == "supervisor" else who.rep.id
    found = await service.desk.corrections.all(show, author=author)
    await service.desk.trail.viewed("corrections", actor=who.rep.id, at=service.clock(), show=show)
    names = await _names(service)
    return render(request, "corrections/list.html", who, corrections=found[: -LISTED - 1 : -1], show=show, names=names)


@router.get("/export/{form}")
@needs("supervisor")
async def export(form: str, who: Who, service: Serving) -> Response:
    """What was approved, as a file of that form."""
    if form not in FORMS:
        raise not_found()
    approved = await service.desk.corrections.all("approved")
    await service.desk.corrections.exported(form, len(approved), actor=who.rep.id, now=service.clock())
    headers = {"Content-Disposition": f'attachment; filename="corrections-{form}.{ENDINGS[form]}"'}
    return Response(FORMS[form](approved), media_type="text/plain; charset=utf-8", headers=headers)


@router.get("/turn/{conversation_id}/{seq}")
@needs("rep", "supervisor")
async def turn_panel(request: Request, conversation_id: str, seq: int, who: Who, service: Serving) -> Response:
    """What was understood of a message, and every other reading of it one click away."""
    turn = await _their_turn(service, who, conversation_id, seq)
    return await _panel(request, who, service, turn)


@router.post("/turn/{conversation_id}/{seq}")
@needs("rep", "supervisor")
async def propose(
    request: Request,
    conversation_id: str,
    seq: int,
    who: Who,
    service: Serving,
    intent: Annotated[str, Form(max_length=64)] = "",
    second: Annotated[str, Form(max_length=64)] = "",
    act: Annotated[Act | None, Form()] = None,
    text: Text = "",
    reply: Text = "",
    why: Text = "",
) -> Response:
    """Quarantine a correction; what the form leaves out stays as it was understood."""
    turn = await _their_turn(service, who, conversation_id, seq)
    try:
        meaning = _meant(turn.meaning, intent, second, act, text)
        await service.desk.corrections.propose(
            conversation_id,
            seq,
            author=who.rep.id,
            now=service.clock(),
            meaning=None if meaning == turn.meaning else meaning,
            reply=_told(reply),
            why=why.strip(),
        )
    except BadCorrection as error:
        return await _panel(request, who, service, turn, status=422, problem=_refused(who, error))
    except AlreadyQuarantined:
        return await _panel(request, who, service, turn, status=409, problem=_word(who, "already"))
    return await _panel(request, who, service, turn)


@router.get("/{correction_id}")
@needs("rep", "supervisor")
async def correction_page(request: Request, correction_id: str, who: Who, service: Serving) -> Response:
    """One correction: from what to what, what stands against it, and its history."""
    correction = await _theirs(service, who, correction_id)
    await service.desk.trail.viewed(
        "correction",
        actor=who.rep.id,
        at=service.clock(),
        conversation_id=correction.conversation_id,
        correction_id=correction.id,
    )
    return await _detail(request, who, service, correction, page="corrections/correction.html")


@router.post("/{correction_id}")
@needs("rep", "supervisor")
async def revise(
    request: Request,
    correction_id: str,
    who: Who,
    service: Serving,
    revision: Annotated[int, Form()],
    intent: Annotated[str, Form(max_length=64)] = "",
    second: Annotated[str, Form(max_length=64)] = "",
    act: Annotated[Act | None, Form()] = None,
    text: Text = "",
    reply: Text = "",
    why: Text = "",
) -> Response:
    """Change one that is quarantined."""
    correction = await _theirs(service, who, correction_id)

    async def revised() -> Correction:
        turn = await service.desk.corrections.turn(correction.conversation_id, correction.seq)
        meaning = _meant(correction.meaning or turn.meaning, intent, second, act, text)
        return await service.desk.corrections.revise(
            correction_id,
            revision,
            actor=who.rep.id,
            now=service.clock(),
            meaning=None if meaning == turn.meaning else meaning,
            reply=_told(reply),
            why=why.strip(),
        )

    return await _acted(request, who, service, correction, revised())


@router.post("/{correction_id}/withdraw")
@needs("rep", "supervisor")
async def withdraw(request: Request, correction_id: str, who: Who, service: Serving, why: Text = "") -> Response:
    """Take one's own back."""
    correction = await _theirs(service, who, correction_id)
    act = service.desk.corrections.withdraw(correction_id, actor=who.rep.id, now=service.clock(), why=why.strip())
    return await _acted(request, who, service, correction, act, not_theirs="not_yours")


@router.post("/{correction_id}/approve")
@needs("supervisor")
async def approve(
    request: Request,
    correction_id: str,
    who: Who,
    service: Serving,
    revision: Annotated[int, Form()],
    why: Text = "",
    anyway: Annotated[bool, Form()] = False,
) -> Response:
    """Let it out of quarantine."""
    correction = await _theirs(service, who, correction_id)
    act = service.desk.corrections.approve(
        correction_id, revision, reviewer=who.rep.id, now=service.clock(), why=why.strip(), anyway=anyway
    )
    return await _acted(request, who, service, correction, act)


@router.post("/{correction_id}/reject")
@needs("supervisor")
async def reject(
    request: Request,
    correction_id: str,
    who: Who,
    service: Serving,
    revision: Annotated[int, Form()],
    why: Text = "",
) -> Response:
    """Let it go no further."""
    correction = await _theirs(service, who, correction_id)
    act = service.desk.corrections.reject(
        correction_id, revision, reviewer=who.rep.id, now=service.clock(), why=why.strip()
    )
    return await _acted(request, who, service, correction, act)


async def _acted(
    request: Request,
    who: SignedIn,
    service: Service,
    correction: Correction,
    act: Awaitable[Correction],
    *,
    not_theirs: str = "two_people",
) -> Response:
    """*correction* after *act*; as it is, with the reason in words, where that was refused."""
    try:
        return await _detail(request, who, service, await act)
    except BadCorrection as error:
        return await _detail(request, who, service, correction, status=422, problem=_refused(who, error))
    except (NotTheirs, NotClean, NothingNew, NoSuchTurn) as error:
        reason = {NotTheirs: not_theirs, NotClean: "not_clean", NothingNew: "nothing_new", NoSuchTurn: "gone"}[
            type(error)
        ]
        return await _detail(request, who, service, correction, status=409, problem=_word(who, reason))
    except Stale:
        now = await service.desk.corrections.get(correction.id)
        return await _detail(request, who, service, now, status=409, problem=_word(who, "stale"))


def _meant(before: Meaning, intent: str, second: str, act: Act | None, marked: str) -> Meaning:
    """*before* with what the form says; *marked* is the text with its slots, as the catalogue marks them."""
    text, slots = before.text, before.slots
    marked = marked.replace("\r\n", "\n").strip()
    if marked:
        try:
            example = parse_example(f"- {marked}", "zh", "ask")
        except ValueError:
            raise BadCorrection("marks", "A slot is marked as [words](slot).") from None
        text, slots = example.text, example.spans
    intents = tuple(name for name in (intent, second) if name) or before.intents
    return Meaning(text=text, intents=intents, act=act or before.act, slots=slots)


def _told(reply: str) -> str | None:
    return reply.replace("\r\n", "\n").strip() or None


async def _their_turn(service: Service, who: SignedIn, conversation_id: str, seq: int) -> Turn:
    """The turn, if they may see its conversation."""
    if await service.desk.views.conversation(conversation_id, who.rep) is None:
        raise not_found()
    try:
        turn = await service.desk.corrections.turn(conversation_id, seq)
    except NoSuchTurn:
        raise not_found() from None
    await service.desk.trail.viewed(
        "turn", actor=who.rep.id, at=service.clock(), conversation_id=conversation_id, seq=seq
    )
    return turn


async def _theirs(service: Service, who: SignedIn, correction_id: str) -> Correction:
    """The correction, if it is theirs to see: a supervisor's are all, a rep's their own."""
    try:
        correction = await service.desk.corrections.get(correction_id)
    except NoSuchCorrection:
        raise not_found() from None
    if who.rep.role != "supervisor" and correction.author != who.rep.id:
        raise not_found()
    return correction


async def _panel(
    request: Request, who: SignedIn, service: Service, turn: Turn, *, status: int = 200, problem: str = ""
) -> Response:
    """The panel of a turn: alone for HTMX, else in a page."""
    alone = request.headers.get("hx-request") == "true"
    waiting = await service.desk.corrections.of_turn(turn.conversation_id, turn.seq)
    theirs = waiting is not None and (who.rep.role == "supervisor" or waiting.author == who.rep.id)
    return render(
        request,
        "corrections/turn.html" if alone else "corrections/turn_page.html",
        who,
        status=status,
        turn=turn,
        marked=with_marks(turn.meaning.text, turn.meaning.slots),
        waiting=waiting,
        theirs=theirs,
        problem=problem,
        **_choices(who),
    )


async def _detail(
    request: Request,
    who: SignedIn,
    service: Service,
    correction: Correction,
    *,
    page: str = "corrections/detail.html",
    status: int = 200,
    problem: str = "",
) -> Response:
    corrections = service.desk.corrections
    history = await corrections.history(correction.id)
    wrote = {step.actor for step in history if step.action in ("proposed", "revised")}
    meaning = correction.meaning
    return render(
        request,
        page,
        who,
        status=status,
        correction=correction,
        marked=with_marks(meaning.text, meaning.slots) if meaning else "",
        pieces=_pieces(correction),
        near=await corrections.near(correction) if correction.status == "quarantined" else [],
        history=history,
        names=await _names(service),
        reviews=who.rep.role == "supervisor" and who.rep.id not in wrote,
        problem=problem,
        **_choices(who),
    )


def _pieces(correction: Correction) -> dict[str, list[tuple[str, str, str]]]:
    """The text and the reply in pieces: the words, the slot that they are, and the problem in them."""
    slots = correction.meaning.slots if correction.meaning else ()
    if correction.status in ("rejected", "withdrawn"):
        # What was masked in it has moved the places.
        return {"text": [(correction.text, "", "")], "reply": [(correction.reply or "", "", "")]}
    return {
        "text": _cut(correction.text, slots, [each for each in correction.problems if each.where == "text"]),
        "reply": _cut(correction.reply or "", (), [each for each in correction.problems if each.where == "reply"]),
    }


def _cut(text: str, slots: Spans, problems: Sequence[Problem]) -> list[tuple[str, str, str]]:
    places = {0, len(text), *(place for start, end, _ in slots for place in (start, end))}
    places |= {place for each in problems for place in (each.start, each.end)}
    pieces = []
    for start, end in itertools.pairwise(sorted(places)):
        slot = next((name for first, last, name in slots if first <= start and end <= last), "")
        kind = next((each.kind for each in problems if each.start <= start and end <= each.end), "")
        pieces.append((text[start:end], slot, kind))
    return pieces


def _choices(who: SignedIn) -> dict[str, Any]:
    """What a correction may choose from, in the rep's language."""
    language = who.rep.language
    labels = {name: (found.label.get(language) or getattr(found, language)) for name, found in catalog().items()}
    return {"labels": labels, "acts": ("ask", "do", "status"), "slots": slot_types(), "longest": LONGEST}


async def _names(service: Service) -> dict[str, str]:
    return {rep.id: rep.display_name for rep in await service.desk.accounts.all()}


def _word(who: SignedIn, key: str) -> str:
    return Words(who.rep.language)(f"corrections.refused.{key}")


def _refused(who: SignedIn, error: BadCorrection) -> str:
    return _word(who, error.reason)
