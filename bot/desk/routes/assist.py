"""What helps a rep to answer: their message and its check, suggestions, knowledge, canned replies, the customer's card."""

from __future__ import annotations

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from backends.rules import standing_facts
from bot.channels.intake import MAX_TEXT, clean
from bot.desk.access import Who, needs, quiet
from bot.desk.canned import offered
from bot.desk.checking import Warned, check, pieces
from bot.desk.holding import HeldElsewhere
from bot.desk.looking import Seen
from bot.desk.routes.conversation import SUMMARY, Seeing, demand_held, held_elsewhere
from bot.desk.routes.rendering import Words, render
from bot.desk.sessions import SignedIn
from bot.desk.speaking import Spoken, edit_distance
from bot.problems import Problem
from bot.service import Service, Serving
from responses.reply import Language

_HAN = re.compile(r"[\u3400-\u9fff]")
Text = Annotated[str, Form(max_length=MAX_TEXT)]

router = APIRouter(prefix="/conversations/{conversation_id}")
anywhere = APIRouter()


def language_of(text: str) -> Language:
    """The language that a rep writes in."""
    return "zh" if _HAN.search(text) or not re.search(r"[A-Za-z]", text) else "en"


@router.post("/messages")
@needs("rep", "supervisor")
async def send(
    request: Request,
    seen: Seeing,
    who: Who,
    service: Serving,
    text: Text,
    message_id: Annotated[str, Form(pattern=r"^[\w-]{8,64}$")],
    suggestion: Annotated[int | None, Form()] = None,
    override: Annotated[bool, Form()] = False,
    reason: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Say it to the customer. What the check warns of is shown first, and sent only with a reason."""
    demand_held(seen, who)
    try:
        text = clean(text)
    except ValueError:
        raise Problem(422, "empty", Words(who.rep.language)("empty_message")) from None
    language = language_of(text)
    warned = await _warnings(text, language, seen, service)
    reason = reason.strip()
    if warned and not (override and reason):
        return _composer(
            request,
            seen,
            who,
            status=422,
            text=text,
            message_id=message_id,
            suggestion=suggestion,
            reason=reason,
            warned=warned,
            pieces=pieces(text, warned),
            asked=override,
        )
    distance = await _distance(suggestion, text, seen, service)
    spoken = Spoken(
        message_id=message_id,
        text=text,
        language=language,
        suggestion=suggestion if distance is not None else None,
        distance=distance,
        overridden=tuple(dict.fromkeys(one.rule for one in warned)),
        reason=reason if warned else "",
    )
    try:
        await service.desk.speaking.say(seen.id, who.rep, spoken, service.clock())
    except HeldElsewhere as error:
        raise await held_elsewhere(error, who, service) from None
    return _composer(request, seen, who)


@router.post("/check")
@needs("rep", "supervisor")
async def check_text(request: Request, seen: Seeing, who: Who, service: Serving, text: Text = "") -> Response:
    """What would be warned of, while it is being written."""
    demand_held(seen, who)
    warned = await _warnings(text, language_of(text), seen, service) if text.strip() else []
    return render(request, "warnings.html", who, warned=warned, pieces=pieces(text, warned), text=text)


@router.post("/typing")
@needs("rep", "supervisor")
async def typing(seen: Seeing, who: Who, service: Serving) -> Response:
    """Tell the customer that somebody writes."""
    demand_held(seen, who)
    try:
        await service.desk.speaking.type(seen.id, who.rep, service.clock())
    except HeldElsewhere as error:
        raise await held_elsewhere(error, who, service) from None
    return Response(status_code=204)


@router.post("/suggestion")
@needs("rep", "supervisor")
async def suggest(request: Request, seen: Seeing, who: Who, service: Serving) -> Response:
    """The reply that the bot would give to the customer's latest message."""
    demand_held(seen, who)
    suggestion = await service.desk.suggesting.suggest(seen.id, who.rep.id, service.clock())
    return render(request, "suggestion.html", who, seen=seen, suggestion=suggestion, held=True)


@router.post("/suggestion/{suggestion_id}/reject")
@needs("rep", "supervisor")
async def reject(request: Request, suggestion_id: int, seen: Seeing, who: Who, service: Serving) -> Response:
    """It would not do."""
    demand_held(seen, who)
    await service.desk.suggesting.reject(suggestion_id, seen.id, service.clock())
    found = await service.desk.suggesting.get(suggestion_id, seen.id)
    return render(request, "suggestion.html", who, seen=seen, suggestion=found, held=True)


@router.get("/customer")
@needs("rep", "supervisor")
@quiet
async def customer(request: Request, seen: Seeing, who: Who, service: Serving) -> Response:
    """The customer, masked, and what they came for before."""
    return await _customer(request, seen, who, service, reveal=False)


@router.post("/reveal")
@needs("rep", "supervisor")
async def reveal(request: Request, seen: Seeing, who: Who, service: Serving) -> Response:
    """The customer, for whoever serves them; kept in the audit trail before it is shown."""
    if who.rep.role != "supervisor":
        demand_held(seen, who)
    await service.desk.trail.viewed(
        "customer", actor=who.rep.id, at=service.clock(), conversation_id=seen.id, customer=seen.customer_id
    )
    return await _customer(request, seen, who, service, reveal=True)


@router.get("/canned")
@needs("rep", "supervisor")
@quiet
async def canned(request: Request, seen: Seeing, who: Who, service: Serving) -> Response:
    """Canned replies, filled in for this customer."""
    spoken: Language = "en" if seen.language == "en" else "zh"
    honorific = ""
    if seen.customer_id is not None:
        honorific = (await service.desk.customers.card(seen.customer_id, seen.id, spoken)).honorific
    rules = standing_facts(service.clock())
    values = {
        "customer": honorific,
        "rep": who.rep.called(spoken),
        "bank": Words(spoken)("bank"),
        "hotline": rules["hotline"].spoken(spoken) if "hotline" in rules else "",
    }
    replies = await service.desk.canned.current()
    return render(request, "canned.html", who, offered=offered(replies, spoken, values, labels=who.rep.language))


@router.post("/notes")
@needs("rep", "supervisor")
async def note(
    request: Request, seen: Seeing, who: Who, service: Serving, text: Annotated[str, Form(max_length=SUMMARY)]
) -> Response:
    """Write something down for other reps; the customer never sees it."""
    if text.strip():
        await service.desk.transcripts.write_note(seen.id, who.rep.id, text.strip(), service.clock())
    names = {rep.id: rep.called(who.rep.language) for rep in await service.desk.accounts.all()}
    notes = await service.desk.transcripts.notes(seen.id)
    return render(request, "notes.html", who, seen=seen, notes=notes, names=names)


@anywhere.get("/knowledge")
@needs("rep", "supervisor")
@quiet
async def knowledge(
    request: Request, who: Who, service: Serving, words: Annotated[str, Query(alias="q", max_length=200)] = ""
) -> Response:
    """The bank's written answers to a question."""
    found = []
    if words.strip():
        found = await service.desk.knowledge.search(words.strip(), language_of(words), service.clock())
    return render(request, "knowledge.html", who, found=found, words=words.strip())


async def _warnings(text: str, language: Language, seen: Seen, service: Service) -> list[Warned]:
    facts, results = await service.desk.suggesting.facts_at_hand(seen.id)
    rules = list(standing_facts(service.clock()).values())
    return check(text, [*facts, *rules], results, language)


async def _distance(suggestion_id: int | None, text: str, seen: Seen, service: Service) -> int | None:
    """How far *text* is from the suggestion that it grew from; ``None`` where it grew from none."""
    if suggestion_id is None:
        return None
    suggestion = await service.desk.suggesting.get(suggestion_id, seen.id)
    return edit_distance(suggestion.text, text) if suggestion is not None else None


async def _customer(request: Request, seen: Seen, who: SignedIn, service: Service, *, reveal: bool) -> Response:
    if seen.customer_id is None:
        return render(request, "customer.html", who, seen=seen, card=None, past=())
    card = await service.desk.customers.card(seen.customer_id, seen.id, who.rep.language, reveal=reveal)
    past = await service.desk.views.past(who.rep, customer_id=seen.customer_id, limit=6)
    others = [one for one in past if one.id != seen.id]
    return render(request, "customer.html", who, seen=seen, card=card, past=others)


def _composer(request: Request, seen: Seen, who: SignedIn, *, status: int = 200, **given: object) -> Response:
    fresh: dict[str, object] = {
        "text": "",
        "message_id": secrets.token_hex(12),
        "suggestion": None,
        "reason": "",
        "warned": [],
        "pieces": (),
        "asked": False,
    }
    return render(request, "composer.html", who, status=status, seen=seen, **{**fresh, **given})
