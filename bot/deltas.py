"""The beginnings of replies as events: what left before a message was whole, and how it ends when the rest never comes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.message import NewEvent
from responses.reply import Evidence, How, Language, Reply
from responses.streaming import Heard

DELTA = "message.delta"
"""``data`` is ``{"in_reply_to", "start", "text", "evidence"}``: ``text`` stands at ``start`` (code points) of the reply that
answers the message ``in_reply_to``, and the evidence counts from that reply's beginning. Its ``message.completed`` says
the same text again, whole: that of its deltas, one behind the other."""


def delta(answers: int, heard: Heard, text: str, evidence: Iterable[Evidence]) -> NewEvent:
    """The event that lets *text* leave behind what was *heard* of the answer to the message *answers*."""
    data = {
        "in_reply_to": answers,
        "start": len(heard.text),
        "text": text,
        "evidence": [each.model_dump(mode="json") for each in evidence],
    }
    return NewEvent(type=DELTA, actor="bot", data=data)


def heard_in(deltas: Iterable[dict[str, Any]]) -> Heard:
    """What those who listened have, by the ``data`` of the deltas of one reply in their order."""
    heard = Heard()
    for data in deltas:
        heard = heard.and_then(data["text"], tuple(Evidence.model_validate(each) for each in data["evidence"]))
    return heard


def cut_short(heard: Heard, language: str) -> dict[str, Any]:
    """A reply that ends where it was heard to, as ``Turn.wire`` gives it: a human took over, or the turn cannot be run."""
    spoken: Language = "en" if language == "en" else "zh"
    reply = Reply(
        text=heard.text,
        language=spoken,
        evidence=heard.evidence,
        how=How(generator="cut short", verdict="passed", rules="none"),
    )
    return {
        **reply.model_dump(mode="json"),
        "understood": {"intents": [], "act": "ask", "slots": [], "in_scope": False},
        "decisions": [],
    }
