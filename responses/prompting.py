"""The prompt of a rewriting: files under ``prompts/``, versioned by their content; it holds placeholders, never a value."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from responses.audience import Audience
from responses.draft import Draft
from responses.gates.refusal import Refusal
from responses.reply import Language

PROMPTS = Path(__file__).parent / "prompts"
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
        "empty": "没有内容",
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
        "empty": "it is empty",
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
class Prompt:
    """A request to rewrite *draft*. ``version`` is the content hash of the prompt files; ``instructions`` must not leak."""

    messages: tuple[Message, ...]
    draft: str
    language: Language
    version: str
    instructions: str

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


def prompt_for(draft: Draft, audience: Audience) -> Prompt:
    """The request to put *draft* into words for *audience*."""
    language = audience.language
    instructions = _file(f"rewrite.{language}.md")
    tones = _tones()
    told = (
        tones["mood"][audience.mood][language],
        tones["reader"]["elder" if audience.elder else "other"][language],
        tones["channel"].get(audience.channel, tones["channel"]["other"])[language],
    )
    user = (
        f'{"；".join(told) if language == "zh" else "; ".join(told)}\n<draft lang="{language}">\n{draft.text}\n</draft>'
    )
    return Prompt(
        messages=(Message("system", instructions), Message("user", user)),
        draft=draft.text,
        language=language,
        version=prompt_version(),
        instructions=instructions,
    )


@cache
def prompt_version() -> str:
    """The content hash of every prompt file."""
    digest = hashlib.sha256()
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
