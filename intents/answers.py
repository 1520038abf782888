"""Short messages read in the light of what was just asked: a bare value, a correction, a follow-up, a yes or a no.

Pure patterns over the text, apart from the model, so that what a conversation hangs on does not hang on training.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from intents.capability import Capability, slot_types
from intents.lexicon import enum_pattern
from intents.normalise import normalise
from intents.tagging import Span
from intents.understanding import Context

SHORT = 24
"""Characters up to which a message may be nothing but an answer."""
LONGEST_NAME = 48
"""Characters up to which a message may be nothing but a name that was asked for."""

_LEAD = r"^[\s嗯恩哦啊呃,，。!！]*"
_SOFT = r"(?:的|了|啊|吧|呀|哦|哈|呢|啦|嘛|滴|哒|你|您|就|那|我|先|是|都|也|一下|谢谢你?|thanks|thank you|please|麻烦)*"
_END = r"[\s。.!！~～,，、]*$"
_YES = (
    "是的?|对的?|好的?|好+|行|可以|确认|确定|没错|没问题|嗯+|恩+|要的?|同意|办吧?|办理|继续|就这样|就它|当然|成|"
    "ok(?:ay)?|okk|oki|yes|yep|yeah|yup|sure|confirm(?:ed)?|correct|right|go ahead|please do|do it|of course|fine|y"
)
_NO = (
    "不(?:是|要|用|办|换|行|可以|对|需要|想|同意|确认|了)?|别|算了|没有|先不|不必|免了|暂时不|再说吧|"
    "no|nope|nah|not now|never ?mind|don'?t|cancel that"
)
_NO_MORE = "不用|不要|不办|不换|不需要|算了|先不|要|用|办|换|吧|it|now"
_AFFIRM = re.compile(rf"{_LEAD}(?:{_YES})(?:[\s,，]*(?:{_YES}))*[\s,，]*{_SOFT}{_END}", re.IGNORECASE)
_DENY = re.compile(rf"{_LEAD}(?:{_NO})(?:[\s,，]*(?:{_NO_MORE}))*[\s,，]*{_SOFT}{_END}", re.IGNORECASE)

_COMMANDS = {
    "cancel": re.compile(
        rf"{_LEAD}(?:(?:取消|退出|不想|不要|不用|别|不)再?(?:排队|排|等人工|等|转人工)|(?:stop|cancel) (?:waiting|queu(?:e)?ing|the queue)|leave the queue)"
        rf"{_SOFT}{_END}",
        re.IGNORECASE,
    ),
    "help": re.compile(
        rf"{_LEAD}[你您](?:都|还|到底)*(?:会|能|可以)(?:帮我|为我)?(?:干|做|办|帮)(?:些|点)?(?:什么|啥|嘛|哪些)(?:事情?|业务)?{_SOFT}[?？]?{_END}"
        r"|^\s*what (?:else )?can you (?:do|help (?:me )?with)(?: for me)?[\s?？.!]*$",
        re.IGNORECASE,
    ),
}
"""Whole messages that steer the conversation itself: out of the queue, and what there is."""

_CORRECTS = re.compile(
    r"不对|不是|错了|我是说|我说的是|改成|改为|改到|改一下|换成|应该是|^还是|要的是|^no\b|\bnot\b|sorry|i mean|make (?:it|that)|change|actually|instead",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(
    r"^(?:那|那么|再看看|还有)?.{1,14}呢[？?。!！]*$|^(?:what|how) about .{1,30}$|^and .{1,30}\?$", re.IGNORECASE
)
_NEGATED = re.compile(r"(?:不是|不要|别|而不是|\bnot|rather than|instead of)\s*$", re.IGNORECASE)
_WRAPPING = (
    r"不对|不是|错了|我是说|我说的是|改成|改为|改到|改一下|换成|应该是|还是|我要|我想要?|就|那么|那|是|换|要|用|去|到|给我|再看看|还有|"
    r"大概|差不多|尾号|后四位|末四位|后4位|的那张卡?|那张卡?|的卡|的|了|呢|啊|呀|哦|吧|嗯|好了|就行|就可以|卡|张|"
    r"\b(?:no|sorry|i mean|make|that|change|actually|it'?s|it is|it|the|for|to|in|is|ending|with|last|four|digits|are|what|how|about|and|please|instead|"
    r"card|one|i|want|need|a|an)\b|[\s,，。.、:：!！?？~～]"
)
_WRAP_START = re.compile(rf"^(?:{_WRAPPING})+", re.IGNORECASE)
_WRAP_END = re.compile(rf"(?:{_WRAPPING})+$", re.IGNORECASE)
_WRAP_ANYWHERE = re.compile(_WRAPPING, re.IGNORECASE)
_QUESTION = re.compile(
    r"[吗嘛？?]|多少|怎么|什么|哪|几|能不能|可不可以|\b(?:what|how|which|where|when|why|can|do|does|is)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the conversation makes of a message: its slots, and the intent where there can be no doubt about it."""

    spans: tuple[Span, ...]
    intent: str | None = None


def read_in_context(
    text: str, spans: Sequence[Span], context: Context, capability: Capability | None, *, elsewhere: bool = False
) -> Reading:
    """*spans* and the intent of *text* as an answer, a correction or a follow-up; the same spans where it is none.

    *capability* is that of ``context.capability``. A value that was asked for is found even where the model saw none; a
    name is any words, so a question, or what is surely about something *elsewhere*, is not taken for one.
    """
    kept = _unsaid(text, spans)
    answer = yes_or_no(text)
    if answer is not None:
        return Reading(kept, answer)
    command = next((name for name, whole in _COMMANDS.items() if len(text) <= LONGEST_NAME and whole.match(text)), None)
    if command is not None:
        return Reading(kept, command)
    awaits_name = context.awaiting in slot_types() and slot_types()[context.awaiting or ""].type == "text"
    if capability is None or len(text) > (LONGEST_NAME if awaits_name else SHORT):
        return Reading(kept)
    if context.awaiting in slot_types() and not (awaits_name and (elsewhere or _QUESTION.search(text))):
        awaited = _awaited(text, kept, context)
        if awaited is not None:
            return Reading(awaited, capability.name)
    if _CORRECTS.search(text) or _FOLLOWS.match(text.strip()):
        completed = (
            kept if any(slot in capability.slots for _, _, slot in kept) else _any_slot(text, kept, capability, context)
        )
        if any(slot in capability.slots for _, _, slot in completed) and _is_covered(text, (*spans, *completed)):
            return Reading(completed, capability.name)
    return Reading(kept)


def yes_or_no(text: str) -> str | None:
    """``affirm`` or ``deny`` where the whole of *text* is a yes or a no, however short; else ``None``."""
    text = text.strip()
    if len(text) > SHORT:
        return None
    if _DENY.match(text):
        return "deny"
    return "affirm" if _AFFIRM.match(text) else None


def _unsaid(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """*spans* without those that the message takes back ("是八百不是五百"), where another of the slot remains."""
    kept = list(spans)
    for span in list(kept):
        others = [other for other in kept if other[2] == span[2] and other != span]
        if others and _NEGATED.search(text[max(0, span[0] - 12) : span[0]]):
            kept.remove(span)
    return tuple(kept)


def _awaited(text: str, spans: tuple[Span, ...], context: Context) -> tuple[Span, ...] | None:
    """The spans with the awaited slot among them, where *text* is an answer to what was asked."""
    slot = context.awaiting or ""
    kind = slot_types()[slot].type
    if any(found == slot for _, _, found in spans):
        if _is_covered(text, spans):
            return spans
        if kind != "text":  # of a name the model may have seen a piece only
            return None
    if kind == "enum":
        span = None if _QUESTION.search(text) else _enum_inside(text, slot)
    else:
        span = _whole(text, slot, context)
    return None if span is None else _put(spans, span)


def _any_slot(text: str, spans: tuple[Span, ...], capability: Capability, context: Context) -> tuple[Span, ...]:
    """*spans* and, where the whole message reads as a slot of *capability*, that one."""
    for slot in capability.slots:
        if slot_types()[slot].type != "text":
            span = _whole(text, slot, context)
            if span is not None:
                return _put(spans, span)
    return spans


def _put(spans: Iterable[Span], new: Span) -> tuple[Span, ...]:
    """*spans* with *new* in place of whatever it overlaps."""
    return tuple(sorted([*(span for span in spans if span[1] <= new[0] or span[0] >= new[1]), new]))


def _whole(text: str, slot: str, context: Context) -> Span | None:
    """The whole message, less the words customers wrap around a value, as a value of *slot*."""
    lead, tail = _WRAP_START.match(text), _WRAP_END.search(text)
    narrow = (lead.end() if lead else 0, tail.start() if tail else len(text))
    for start, end in (narrow, (0, len(text))):
        if start < end and normalise(slot, text[start:end], context.today) is not None:
            return start, end, slot
    return None


def _enum_inside(text: str, slot: str) -> Span | None:
    match = max(enum_pattern(slot).finditer(text), key=lambda found: len(found[0]), default=None)
    return None if match is None else (match.start(), match.end(), slot)


def _is_covered(text: str, spans: Iterable[Span]) -> bool:
    """Whether *text* says hardly more than the values of *spans*."""
    rest = list(text)
    for start, end, _ in spans:
        rest[start:end] = " " * (end - start)
    return len(_WRAP_ANYWHERE.sub("", "".join(rest))) <= 1
