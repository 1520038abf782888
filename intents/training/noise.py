"""How typing goes wrong: small edits of a message that carry its slot spans along."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from intents.tagging import Spans
from intents.understanding import Language

_SOUNDALIKE = {
    "账": "帐", "帐": "账", "的": "得", "得": "的", "在": "再", "再": "在", "做": "作", "哪": "那", "那": "哪", "录": "陆", "元": "圆",
    "吗": "嘛", "嘛": "吗", "么": "吗", "呢": "呐", "查": "察", "款": "宽", "费": "废", "额": "饿", "度": "渡", "号": "好", "转": "装",
    "贷": "货", "怎": "咋", "密": "蜜", "码": "吗", "期": "其", "办": "半", "钱": "前", "多": "朵", "什": "神", "以": "已", "已": "以",
    "申": "身", "请": "清", "还": "换", "收": "受", "能": "嫩", "支": "只", "付": "负", "行": "型",
}  # fmt: skip
"""Slips of pinyin input, one character for another that sounds or looks the same."""

_OPENINGS: dict[Language, tuple[str, ...]] = {
    "zh": ("你好，", "您好，", "请问", "请问一下", "你好 ", "在吗，", "麻烦", "那个，", "亲，", "客服你好，", "想问下", "我想问一下，", "嗯", "哎", "咨询一下，"),
    "en": ("hi, ", "hello, ", "Hey ", "please, ", "excuse me, ", "um ", "quick question: ", "ok so ", "Hi there, "),
}  # fmt: skip
_CLOSINGS: dict[Language, tuple[str, ...]] = {
    "zh": ("，谢谢", "谢谢", "啊", "呀", "呢", "？？", "！！", "。。。", "，急", "，在线等", "哈", "～", "，麻烦了", "🙏", "，求解答", "？谢谢"),
    "en": (" thanks", " please", "??", "!!", "...", " pls", ", thank you", " asap", " 🙏"),
}  # fmt: skip
_PUNCTUATION = set("，。！？、；：,.!?;:~～…")
_WIDE = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)}


def dice_of(seed: int) -> random.Random:
    """Repeatable chance for varying data; nothing secret hangs on it."""
    return random.Random(seed)  # noqa: S311


def edit(text: str, spans: Spans, changes: Sequence[tuple[int, int, str]]) -> tuple[str, Spans]:
    """*text* with every ``(start, end, words)`` of *changes* put in its place, and the spans where they are then.

    Changes do not overlap. A change inside a span stretches it; one at its edge or across it stays outside.
    """
    parts: list[str] = []
    last, moved = 0, [[start, end] for start, end, _ in spans]
    for start, end, words in sorted(changes):
        parts += [text[last:start], words]
        last = end
        grown = len(words) - (end - start)
        for place, (first, final, _) in zip(moved, spans, strict=True):
            if end <= first:
                place[0] += grown
            if end < final or (first <= start and end == final and start < end):
                place[1] += grown
    parts.append(text[last:])
    return "".join(parts), tuple((place[0], place[1], span[2]) for place, span in zip(moved, spans, strict=True))


def _outside(spans: Spans, at: int) -> bool:
    return all(not start <= at < end for start, end, _ in spans)


def _opening(text: str, spans: Spans, language: Language, dice: random.Random) -> tuple[str, Spans]:
    return edit(text, spans, [(0, 0, dice.choice(_OPENINGS[language]))])


def _closing(text: str, spans: Spans, language: Language, dice: random.Random) -> tuple[str, Spans]:
    return edit(text, spans, [(len(text), len(text), dice.choice(_CLOSINGS[language]))])


def _no_punctuation(text: str, spans: Spans, language: Language, dice: random.Random) -> tuple[str, Spans]:
    gap = dice.choice(("", " ")) if language == "zh" else ""
    marks = [at for at, char in enumerate(text) if char in _PUNCTUATION and _outside(spans, at)]
    return edit(text, spans, [(at, at + 1, "" if at == len(text) - 1 else gap) for at in marks])


def _spaces(text: str, spans: Spans, language: Language, dice: random.Random) -> tuple[str, Spans]:
    if language == "en" or len(text) < 4:
        return text, spans
    places = [at for at in range(1, len(text)) if _outside(spans, at) and _outside(spans, at - 1)]
    return edit(
        text, spans, [(at, at, " ") for at in sorted(dice.sample(places, min(len(places), dice.choice((1, 1, 2)))))]
    )


def _slip(text: str, spans: Spans, language: Language, dice: random.Random) -> tuple[str, Spans]:
    places = [at for at in range(len(text)) if _outside(spans, at)]
    if language == "zh":
        places = [at for at in places if text[at] in _SOUNDALIKE]
        if not places:
            return text, spans
        at = dice.choice(places)
        return edit(text, spans, [(at, at + 1, _SOUNDALIKE[text[at]])])
    places = [at for at in places[1:] if text[at].isalpha() and text[at - 1].isalpha() and _outside(spans, at - 1)]
    if not places:
        return text, spans
    at = dice.choice(places)
    slip = dice.choice((text[at - 1 : at + 1][::-1], text[at - 1], text[at - 1] + text[at] * 2))
    return edit(text, spans, [(at - 1, at + 1, slip)])


def _drop(text: str, spans: Spans, language: Language, dice: random.Random) -> tuple[str, Spans]:
    places = [at for at in range(len(text)) if _outside(spans, at)]
    if len(places) < 7:
        return text, spans
    at = dice.choice(places)
    return edit(text, spans, [(at, at + 1, "")])


def _wide(text: str, spans: Spans, language: Language, dice: random.Random) -> tuple[str, Spans]:
    return "".join(_WIDE.get(char, char) for char in text), spans


def _case(text: str, spans: Spans, language: Language, dice: random.Random) -> tuple[str, Spans]:
    return (text.lower() if dice.random() < 0.8 else text.upper()), spans


_EDITS: tuple[tuple[float, Callable[[str, Spans, Language, random.Random], tuple[str, Spans]]], ...] = (
    (0.12, _opening),
    (0.12, _closing),
    (0.25, _no_punctuation),
    (0.06, _spaces),
    (0.10, _slip),
    (0.05, _drop),
    (0.02, _wide),
    (0.10, _case),
)


def noisy(text: str, spans: Spans, language: Language, dice: random.Random) -> tuple[str, Spans]:
    """*text* as it may arrive: each kind of slip by its own chance; never empty."""
    for chance, change in _EDITS:
        if dice.random() < chance:
            changed, moved = change(text, spans, language, dice)
            if changed.strip() and len(changed) >= 2:
                text, spans = changed, moved
    return text, spans
