"""The turns of phrase by which people answer, correct, give up and refer back, in Chinese and English.

They decide between readings of a message whose intent and slots are known; none of them makes anything happen.
"""

from __future__ import annotations

import re

CORRECTION = re.compile(
    r"^\s*(不对|不是|错了|我是说|我说的是|改成|改为|改一下|换成|应该是|还是要?|no[,，]? (?!thank)|not |sorry|i mean|make (it|that)|change|actually)",
    re.IGNORECASE,
)
"""A correction ("不对，是八百", "no, I meant …"): what follows replaces something said before."""

ELLIPSIS = re.compile(
    r"^\s*(那|那么|再看看|还有)?.{0,14}呢[？?。!！]?\s*$|^\s*(那|那么).{1,14}$"
    r"|^\s*(and|what about|how about)\b.{1,40}$",
    re.IGNORECASE | re.DOTALL,
)
"""Half a question ("那欧元呢", "what about euros") that lives off the one before."""

ABANDON = re.compile(
    r"^\s*(那?还是)?(算了|不用了?|不要了?|不需要|先不|先别|别办|不办|不换了|不买了|不挂了|取消|never ?mind|forget it|cancel|stop)",
    re.IGNORECASE,
)
"""Giving up ("算了", "never mind"): the task in hand is given up, whatever else the message says."""

QUESTION = re.compile(
    r"[?？吗嘛么呢]|怎|如何|咋|哪|啥|多少|多久|能不能|可不可以|是否|要不要|\b(how|what|where|when|which|why|can|do|does|is|are)\b",
    re.IGNORECASE,
)
"""Something is asked rather than stated."""

RESEND = re.compile(r"重新?发|再发|没收到|收不到|resend|send (it )?again|(did ?n.t|not) (get|receive)", re.IGNORECASE)
"""A one-time code has not arrived."""

_ORDINAL = re.compile(
    r"^\s*(?:就|要|选)?\s*(?:第\s*([1-9一二三四五六七八九])\s*[个张款只家]?|([1-9])\s*[.、]?|the (first|second|third)( one)?)\s*(吧|的)?\s*[。.]?$",
    re.IGNORECASE,
)

_ORDINALS = {
    **{str(number): number - 1 for number in range(1, 10)},
    **{word: at for at, word in enumerate("一二三四五六七八九")},
    **{word: at for at, word in enumerate(("first", "second", "third"))},
}

FILLER = re.compile(
    r"[\s，。,.!！?？、~～]|那|就|要|的|吧|啊|呀|吗|呢|嗯|哦|是|换|改|尾号|后四位|please|the|one|to|it|for|what about|how about|and"
)
"""What may stand beside a slot value in a message that is little more than that value."""


def ordinal(text: str) -> int | None:
    """The place, from 0, that "第二个", "2" or "the second one" names; ``None`` where the message is not one."""
    match = _ORDINAL.match(text)
    return _ORDINALS[(match[1] or match[2] or match[3]).lower()] if match else None
