"""The prompt of a rewriting: files under ``prompts/``, versioned by their content; it holds placeholders, never a value."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from backends.result import Result
from responses.audience import Audience, Mood, Room, Tone
from responses.draft import Draft, required
from responses.gates.refusal import Refusal
from responses.persona import persona, persona_version
from responses.reply import Language
from responses.words import without_what_is_theirs

PROMPTS = Path(__file__).parent / "prompts"
_MARK = re.compile(r"⟦[^⟦⟧]*⟧")
MAX_NAMED = 4
"""How many broken rules a retry is told of."""

# The figure rules look at the finished text: their spans hold values, which no model may see.
_REASONS: dict[Language, dict[str, str]] = {
    "zh": {
        "placeholder_missing": "漏掉了标记{span}",
        "placeholder_doubled": "标记{span}多写了",
        "placeholder_unknown": "写了不存在的标记{span}",
        "number": "标记之外写了数字“{span}”",
        "date": "标记之外写了时间“{span}”",
        "currency": "标记之外写了币种“{span}”",
        "completion": "草稿没有说已办成，却写了“{span}”",
        "exchanged": "标记{span}旁边的字说的是另一个标记",
        "label": "标记旁边的“{span}”说的是另一个标记",
        "date_turned": "标记{span}的先后说反了",
        "denied": "“{span}”和草稿的意思相反",
        "opposite": "“{span}”和草稿的意思相反",
        "unlike": "草稿没有说“{span}”",
        "seems_done": "草稿没有说已办成，却写了“{span}”",
        "empty": "没有内容",
        "greeting": "已经问候过了，不要再说“{span}”",
        "repeated": "上一条回复也是这样开头的，换个开头",
        "too_long": "太长了",
        "figure_ungrounded": "标记之外写了数字",
        "figure_changed": "标记前后的字改变了它的数值",
        "figure_missing": "标记前后的字改变了它的数值",
        "": "不允许写“{span}”",
    },
    "en": {
        "placeholder_missing": "the mark {span} is missing",
        "placeholder_doubled": "the mark {span} is there too often",
        "placeholder_unknown": "there is no mark {span}",
        "number": "it states a number outside a mark, “{span}”",
        "date": "it states a time outside a mark, “{span}”",
        "currency": "it names a currency outside a mark, “{span}”",
        "completion": "the draft does not say that anything was done, yet it says “{span}”",
        "exchanged": "the words beside the mark {span} are another mark's",
        "label": "the words “{span}” beside a mark are another mark's",
        "date_turned": "the mark {span} is turned from before to after",
        "denied": "“{span}” says the opposite of the draft",
        "opposite": "“{span}” says the opposite of the draft",
        "unlike": "the draft does not say “{span}”",
        "seems_done": "the draft does not say that anything was done, yet it says “{span}”",
        "empty": "it is empty",
        "greeting": "the customer has been greeted already: no “{span}”",
        "repeated": "the reply before began the same way, so begin differently",
        "too_long": "it is too long",
        "figure_ungrounded": "it states a number outside a mark",
        "figure_changed": "the words beside a mark change its figure",
        "figure_missing": "the words beside a mark change its figure",
        "": "it must not say “{span}”",
    },
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat request."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that a reply tells of. ``given`` are its placeholders in the order of the draft, each as often as it must
    be said; ``card_tail_2`` is a second ``card_tail``."""

    capability: str
    outcome: str
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request to rewrite *draft*. ``version`` is the content hash of the prompt files; ``instructions`` must not leak.

    A writer that is no chat model needs no messages: ``matters``, ``mood``, ``tone``, ``room``, ``customer`` and
    ``language`` are its plan, field by field that of ``writer.pairs.Pair`` (``room`` is its ``channel``). ``customer``
    is what was written, personal data and figures as ``⟦KIND_1⟧``; empty where that is not known. ``said`` are the phrases that
    the conversation has heard (``responses.phrases``).
    """

    messages: tuple[Message, ...]
    draft: str
    language: Language
    version: str
    instructions: str
    matters: tuple[Matter, ...] = ()
    mood: Mood = "calm"
    tone: Tone = "warm"
    room: Room = "web"
    customer: str = ""
    said: tuple[str, ...] = ()

    def again(self, said: str, refused: Sequence[Refusal]) -> Prompt:
        """The same request after *said* was refused, naming why."""
        reasons = _REASONS[self.language]
        named = dict.fromkeys(
            reasons.get(refusal.rule, reasons[""]).replace("{span}", refusal.span) for refusal in refused
        )
        separator = "；" if self.language == "zh" else "; "
        reason = separator.join([*named][:MAX_NAMED])
        told = Message("user", _file(f"retry.{self.language}.md").replace("{reason}", reason))
        before = (Message("assistant", said),) if said.strip() else ()
        return replace(self, messages=(*self.messages, *before, told))


def matter(result: Result, draft: Draft) -> Matter:
    """What *draft*, made of *result*, tells of."""
    return Matter(result.capability, result.outcome, tuple(required(draft)))


def prompt_for(draft: Draft, audience: Audience, matters: Sequence[Matter] = ()) -> Prompt:
    """The request to put *draft*, which tells of *matters*, into words for *audience*."""
    language = audience.language
    customer = without_what_is_theirs(audience.customer, audience.names)
    instructions = (
        _file(f"rewrite.{language}.md")
        .replace("{name}", persona().name[language])
        .replace("{voice}", persona().voice[language])
    )
    return Prompt(
        messages=(Message("system", instructions), Message("user", _asked(draft, audience, customer))),
        draft=draft.text,
        language=language,
        version=prompt_version(),
        instructions=instructions,
        matters=tuple(matters),
        mood="calm" if _is_answered(audience) else audience.mood,
        tone=audience.tone,
        room=audience.room,
        customer=customer,
        said=audience.said,
    )


def _is_answered(audience: Audience) -> bool:
    return audience.mood_answered and audience.mood in _tones()["answered"]


def _asked(draft: Draft, audience: Audience, customer: str) -> str:
    """Whom it is for, what they wrote, and the draft."""
    language, tones = audience.language, _tones()
    mood = "answered" if _is_answered(audience) else "mood"
    told = (
        tones[mood][audience.mood][language],
        tones["tone"][audience.tone][language],
        tones["room"][audience.room][language],
        tones["part_of_day"][audience.part_of_day][language],
        tones["greeted"][language],
    )
    lines = [("；" if language == "zh" else "; ").join(told)]
    if customer:
        # A mark in the customer's words stands for something of theirs: it is none that a reply may hold.
        words = _MARK.sub("…", customer).replace("<", " ").replace(">", " ")
        lines.append(f"<customer>{words}</customer>")
    return "\n".join([*lines, f'<draft lang="{language}">', draft.text, "</draft>"])


@cache
def prompt_version() -> str:
    """The content hash of every prompt file and of the persona they speak for."""
    digest = hashlib.sha256(persona_version().encode())
    for path in sorted(PROMPTS.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


@cache
def _file(name: str) -> str:
    return (PROMPTS / name).read_text("utf-8").strip()


@cache
def _tones() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROMPTS / "tones.yml").read_text("utf-8"))
    return loaded
