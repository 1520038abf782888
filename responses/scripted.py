"""A model without weights, honest or lying in a chosen way: for tests, demonstrations and a service to point at.

``responses.scripted_server`` serves it as an OpenAI-compatible engine.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncGenerator, Callable
from typing import Literal, get_args

from responses.draft import PLACEHOLDER
from responses.gateway.port import Completion, Delta, ModelFailure, Request, Usage
from responses.reply import Language

Mode = Literal[
    "honest", "changed_digit", "chinese_numeral", "added_promise", "dropped_figure", "false_done", "prompt_leak",
    "empty", "cut", "stalled", "unknown_placeholder", "doubled_placeholder", "wrong_language", "html",
]  # fmt: skip
"""``cut`` breaks off in the middle; ``stalled`` never answers; the others say what their name says."""

MODES: tuple[Mode, ...] = get_args(Mode)
LYING: tuple[Mode, ...] = tuple(mode for mode in MODES if mode != "honest")
FOREVER = 3600.0
PIECE = 4
"""Code points of one piece of a streamed text."""

_DRAFT = re.compile(r'<draft lang="(zh|en)">\n(.*)\n</draft>', re.DOTALL)
_OPENERS: dict[Language, tuple[str, ...]] = {
    "zh": ("", "好的，", "您好，", "来，跟您说说：", "没问题，", "这就告诉您，"),
    "en": ("", "Certainly. ", "Of course. ", "Here you are. ", "Thank you for asking. ", "Let me tell you. "),
}
_CLOSERS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "",
        "还有什么想了解的，随时说。",
        "有不清楚的地方，尽管问我。",
        "需要别的帮助，叫我就好。",
        "希望对您有帮助。",
    ),
    "en": ("", " Just ask if anything is unclear.", " I am here if you need anything else.", " I hope this helps."),
}
_SYNONYMS: dict[Language, tuple[tuple[str, str], ...]] = {
    "zh": (
        ("抱歉，", "不好意思，"), ("请您", "麻烦您"), ("告诉我", "跟我说"), ("目前", "现在"), ("暂时", "暂且"), ("帮您", "为您"),
        ("想了解", "想知道"), ("马上", "这就"), ("直接", "尽管"),
    ),
    "en": (
        ("Sorry,", "I am sorry,"), ("Please ", "Kindly "), ("would like", "want"), ("tell me", "let me know"), ("I could not find", "I was not able to find"),
    ),
}  # fmt: skip
_LIES: dict[Language, dict[str, str]] = {
    "zh": {
        "changed_digit": "8,888.88元",
        "chinese_numeral": "算下来大约三千五百块。",
        "added_promise": "我们保证收益，手续费也给您全免，绝对没有风险。",
        "false_done": "已为您办理成功，额度也已帮您提升，转账已到账。",
        "unknown_placeholder": "积分余额是⟦points_balance⟧。",
    },
    "en": {
        "changed_digit": "CNY 8,888.88",
        "chinese_numeral": " That is about three thousand five hundred.",
        "added_promise": " We guarantee the return, waive every fee, and there is no risk at all.",
        "false_done": " It has been done for you, your limit has been raised and the transfer has been approved.",
        "unknown_placeholder": " Your points balance is ⟦points_balance⟧.",
    },
}
_OTHER_LANGUAGE: dict[Language, str] = {
    "zh": "Thank you for your message, everything you asked for is listed here: ",
    "en": "您好，您要的信息都在这里：",
}


class ScriptedModel:
    """A ``ModelProvider`` that rewrites by a small grammar, a different way each time, and lies as *mode* says."""

    def __init__(self, mode: Mode = "honest", *, seed: int = 0) -> None:
        self.name = f"scripted-{mode}"
        self.mode = mode
        self.asked = 0
        self._turns = itertools.count(seed)

    async def complete(self, request: Request) -> Completion:
        """The rewriting of the prompt's draft; ``ModelFailure`` in mode ``empty``."""
        self.asked += 1
        if self.mode == "stalled":
            await asyncio.sleep(FOREVER)
        prompt = request.prompt
        text = say(self.mode, prompt.draft, prompt.language, prompt.instructions, next(self._turns))
        if not text:
            raise ModelFailure("no content")
        return Completion(text, self.name, Usage(len(prompt.draft), len(text)))

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion]:
        """The same, a few characters at a time; in mode ``cut`` the stream breaks off."""
        whole = await self.complete(request)
        for start in range(0, len(whole.text), PIECE):
            yield Delta(whole.text[start : start + PIECE], self.name)
        if self.mode == "cut":
            raise ModelFailure("cut or filtered", usage=whole.usage)
        yield whole


def say(mode: Mode, draft: str, language: Language, instructions: str, turn: int) -> str:
    """What a model in *mode* answers to *draft*; *turn* chooses among its ways of saying it."""
    honest = rewritten(draft, language, turn)
    lies: dict[Mode, Callable[[], str]] = {
        "honest": lambda: honest,
        "changed_digit": lambda: _with_a_literal(honest, _LIES[language]["changed_digit"]),
        "chinese_numeral": lambda: honest + _LIES[language]["chinese_numeral"],
        "added_promise": lambda: honest + _LIES[language]["added_promise"],
        "dropped_figure": lambda: PLACEHOLDER.sub("", honest, count=1) if PLACEHOLDER.search(honest) else "",
        "false_done": lambda: honest + _LIES[language]["false_done"],
        "prompt_leak": lambda: instructions,
        "empty": lambda: "",
        "stalled": lambda: "",
        "cut": lambda: _broken_off(honest),
        "unknown_placeholder": lambda: honest + _LIES[language]["unknown_placeholder"],
        "doubled_placeholder": lambda: _doubled(honest, language),
        "wrong_language": lambda: _OTHER_LANGUAGE[language] + _marks(honest),
        "html": lambda: f"<p><b>{honest}</b></p>",
    }
    return lies[mode]()


def rewritten(draft: str, language: Language, turn: int) -> str:
    """*draft* in other words: an opener, some synonyms, a closer; every placeholder kept."""
    text = draft
    for number, (word, other) in enumerate(_SYNONYMS[language]):
        if (turn + number) % 2:
            text = text.replace(word, other)
    openers, closers = _OPENERS[language], _CLOSERS[language]
    return openers[turn % len(openers)] + text + closers[turn // len(openers) % len(closers)]


def _with_a_literal(text: str, literal: str) -> str:
    """A figure of its own where the first placeholder was, or at the end."""
    return PLACEHOLDER.sub(literal, text, count=1) if PLACEHOLDER.search(text) else text + literal


def _broken_off(text: str) -> str:
    """The beginning of *text*, ending within a sentence or a placeholder."""
    last = text.rfind("⟦")
    return text[: last + 3] if last >= 0 else text[: max(1, len(text) * 2 // 3)].rstrip("。！？.!?") + "，"


def _doubled(text: str, language: Language) -> str:
    found = PLACEHOLDER.search(text)
    return f"{text}{'也就是' if language == 'zh' else ' That is '}{found[0] if found else '⟦amount⟧'}"


def _marks(text: str) -> str:
    return " ".join(f"⟦{token}⟧" for token in PLACEHOLDER.findall(text))


def draft_in(content: str) -> tuple[str, Language] | None:
    """The draft of a request and its language, read out of a user message as ``prompting`` writes it."""
    found = _DRAFT.search(content)
    if found is None:
        return None
    return found[2], "zh" if found[1] == "zh" else "en"
