"""The turns of phrase by which people answer, correct, give up and refer back, in Chinese and English.

They decide between readings of a message whose intent and slots are known; none of them makes anything happen.
"""

from __future__ import annotations

import re
from typing import Literal

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

IN_SO_MANY_WORDS = re.compile(
    r"^\s*(我?确认(办理)?|取消|(i )?confirm|cancel)\s*[。.!！]*\s*$",
    re.IGNORECASE,
)
"""A yes or a no in the word that a read-back asks for: it is an answer to that whoever has spoken since."""

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


SAME = re.compile(
    r"(?:还是|就|跟|和|同|按|照|像)\s*(?:刚才|刚刚|上次|之前|前面|上面)|(?:刚才|刚刚|之前)的?那[个笔张款只]|一模一样|老样子"
    r"|\bsame (?:as (?:before|last time)|again|one|card|amount)|\bas before\b|\bthe (?:one|card) (?:we|i) (?:just )?(?:used|mentioned)",
    re.IGNORECASE,
)
"""The same as before ("跟刚才一样", "还是刚才那笔")."""

REFERENCES = {
    "card_tail": re.compile(r"(?:[那这该]|同一)张?卡|[那这]张|\b(?:that|this|the same) card\b", re.IGNORECASE),
    "product_name": re.compile(
        r"(?:[那这该]|刚才)(?:[个款只支])?(?:产品|理财|基金)|[那这][款只支]|\b(?:that|this|the same) (?:product|fund|one)\b",
        re.IGNORECASE,
    ),
}
"""Words for a thing that was named before, or that the page shows ("那张卡", "这款")."""

ALL_OF_IT = re.compile(r"都|全部?(?=取消|不|别)|所有|\b(?:all|everything|both)\b", re.IGNORECASE)
"""What is given up is not only the task in hand."""

_LISTED = re.compile(
    r"^\s*(?:那|看看|说说|就)?\s*(?:第\s*([1-9一二三四五六七八九])\s*[个张款只家笔]|(?:what about |how about |and |show me |tell me (?:more )?about )?the (first|second|third)(?: one)?)"
    r"\s*(?:的?详?细?(?:情况|信息)?)?\s*(?:呢|怎么样|如何|是什么|看看|吧)?\s*[?？。.]*$",
    re.IGNORECASE,
)

_LANGUAGES = re.compile(
    r"(?:说|讲|用|换成?|改成?|切换到?)\s*(?:(?P<zh>中文|普通话|汉语)|(?P<en>英文|英语))"
    r"|\b(?:in|speak|use|switch to|talk in)\s+(?:(?P<zh_en>chinese|mandarin)|(?P<en_en>english))\b",
    re.IGNORECASE,
)
LONGEST_WISH = 30
"""Characters up to which naming a language is a wish for it; a longer message is about something."""


_JOINT = re.compile(
    r"顺便|另外|还有|然后|同时|并且|再[帮看查给还换买卖]|也帮|\b(?:and|plus|then|also)\b", re.IGNORECASE
)
_STOP = re.compile(r"[，,。；;！!？?]")


def second_clause(text: str, *, at_stops: bool = True) -> int | None:
    """Where the second of two clauses begins: at a word that joins, else at a stop; ``None`` where there is neither."""
    for pattern in (_JOINT, _STOP) if at_stops else (_JOINT,):
        for match in pattern.finditer(text):
            if len(text[: match.start()].strip()) > 1 and len(text[match.end() :].strip()) > 1:
                return match.start()
    return None


def listed(text: str) -> int | None:
    """The place, from 0, of what was listed before that "第二个呢" or "the second one" asks about."""
    match = _LISTED.match(text)
    return _ORDINALS[(match[1] or match[2]).lower()] if match else None


def language_wanted(text: str) -> Literal["zh", "en"] | None:
    """The language that a message asks to go on in ("can we speak English", "请说中文")."""
    match = _LANGUAGES.search(text) if len(text.strip()) <= LONGEST_WISH else None
    if match is None:
        return None
    return "zh" if match["zh"] or match["zh_en"] else "en"


def ordinal(text: str) -> int | None:
    """The place, from 0, that "第二个", "2" or "the second one" names; ``None`` where the message is not one."""
    match = _ORDINAL.match(text)
    return _ORDINALS[(match[1] or match[2] or match[3]).lower()] if match else None
