"""Short messages read in the light of what was just asked: a bare value, a correction, a yes or a no."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping

from intents.capability import Capability, slot_types
from intents.lexicon import enum_pattern
from intents.noise import Span
from intents.normalise import normalise

SHORT = 24
"""Characters up to which a message may be nothing but an answer."""

_END = r"[\s。.!！~～,，、]*$"
_SOFT = r"(?:的|了|啊|吧|呀|哦|哈|呢|啦|嘛|滴|哒|你|您|就|那|我|先|是|都|也|一下)*"
_AFFIRM = re.compile(
    rf"^[\s嗯恩哦啊,，]*(?:是的?|对的?|好的?|好+|行|可以|确认|确定|没错|没问题|嗯+|恩+|要|要的|同意|办吧|办|继续|就这样|就它|当然|成|中|ok(?:ay)?|okk|oki|"
    rf"yes|yep|yeah|yup|sure|confirm(?:ed)?|correct|right|go ahead|please do|do it|of course|fine|y)"
    rf"(?:[\s,，]*(?:是的|对的|好的|好|行|可以|确认|确定|没错|没问题|嗯|要|办理|办吧|办|继续|please|thanks|thank you|sure|go ahead|do it|谢谢))*{_SOFT}{_END}",
    re.IGNORECASE,
)
_DENY = re.compile(
    rf"^[\s嗯恩哦啊,，]*(?:不(?:是|要|用|办|换|行|可以|对|需要|想|同意|确认|了)?|别|算了|没有|先不|不必|免了|暂时不|再说|no|nope|nah|not now|no thanks|no thank you|"
    rf"never ?mind|don'?t|cancel that)(?:[\s,，]*(?:不用|不要|不办|不换|不需要|算了|先不|了|谢谢|thanks|thank you|要|用|办|换|办了|换了|麻烦|吧|it|now))*{_SOFT}{_END}",
    re.IGNORECASE,
)
_CORRECTS = re.compile(
    r"不对|不是|错了|我是说|我说的是|改成|改为|改到|改一下|换成|应该是|还是|要的是|no,|not\b|sorry|i mean|make it|make that|change|actually|instead",
    re.IGNORECASE,
)
_ELLIPSIS = re.compile(
    r"^(?:那|那么|再看看|还有)?.{1,14}呢[？?。!！]*$|^(?:what|how) about .{1,30}$|^and .{1,30}\?$", re.IGNORECASE
)
_AROUND = re.compile(
    r"^(?:不对|不是|错了|我是说|我说的是|改成|改为|改到|换成|应该是|还是|我要|我想要?|就|那就?|是|换|要|用|去|到|给我|大概|差不多|尾号|后四位|末四位|后4位|"
    r"no|sorry|i mean|make it|make that|change it to|actually|it'?s|it is|the|for|to|in|ending(?: in| with)?|last four(?: digits)?(?: are)?|what about|how about|and|[\s,，。.、:：])+"
    r"|(?:吧|的那张卡?|那张卡?|的卡|的|了|呢|啊|呀|哦|好了|就行|就可以|please|instead|card|one|[\s,，。.!！?？、])+$",
    re.IGNORECASE,
)


def yes_or_no(text: str) -> str | None:
    """``affirm`` or ``deny`` where the whole of *text* is a yes or a no, however short; else ``None``."""
    if len(text.strip()) > SHORT:
        return None
    if _DENY.match(text):
        return "deny"
    return "affirm" if _AFFIRM.match(text) else None


def is_follow_up(text: str) -> bool:
    """Whether *text* leaves its question out: 那欧元呢, "what about euros?"."""
    return bool(_ELLIPSIS.match(text.strip()))


def slots_in_context(
    text: str, awaiting: str | None, capability: Capability | None, missing_from: Mapping[str, object], today: dt.date
) -> Iterator[Span]:
    """Spans of slots that were asked for, or belong to *capability*, and that ``missing_from`` does not have yet.

    A short message is read as the slot in *awaiting*; one that corrects or follows up, as any slot of *capability*.
    """
    if len(text) > SHORT:
        return
    if awaiting in slot_types() and awaiting not in missing_from:
        span = _whole(text, awaiting, today) or _enum_inside(text, awaiting)
        if span is not None:
            yield span
            return
    if capability is not None and (_CORRECTS.search(text) or is_follow_up(text)):
        for slot in capability.slots:
            if slot not in missing_from and slot_types()[slot].type != "text":
                span = _whole(text, slot, today)
                if span is not None:
                    yield span
                    return


def _whole(text: str, slot: str, today: dt.date) -> Span | None:
    """The whole message, less the words around it, as a value of *slot*."""
    start, end = _core(text)
    if start >= end or normalise(slot, text[start:end], today) is None:
        return None
    return start, end, slot


def _core(text: str) -> tuple[int, int]:
    """Where the value stands once the words that customers wrap around it are taken off both ends."""
    start, end = 0, len(text)
    for match in _AROUND.finditer(text):
        if match.start() == 0:
            start = match.end()
        elif match.end() == len(text):
            end = match.start()
    return (start, end) if start < end else (0, len(text))


def _enum_inside(text: str, slot: str) -> Span | None:
    if slot_types()[slot].type != "enum":
        return None
    match = max(enum_pattern(slot).finditer(text), key=lambda found: len(found[0]), default=None)
    return None if match is None else (match.start(), match.end(), slot)
