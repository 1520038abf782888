"""One-time codes in what customers write: found, so that no clear digit of one is ever stored."""

from __future__ import annotations

import re
import unicodedata

CODE_LENGTH = 6
MASKED = "•" * CODE_LENGTH

_ALONE = re.compile(
    r"(?:(?:我?的?(?:短信|手机)?(?:验证码|动态码|校验码|密码)|(?:the |my )?(?:code|otp))\s*(?:是|为|is)?\s*[:：]?\s*)?"
    r"([0-9](?:[ -]?[0-9]){5})\s*[。.!！]?",
    re.IGNORECASE,
)
# Six digits that go on as a number or name a currency are an amount ("换200000日元"): the customer has changed their mind.
_CURRENCY = (
    "元|块|万|亿|%|人民币|美[元金刀]|刀|欧|日[元币]|英?镑|港[元币纸]|澳[元币]|加[元币]|瑞[士郎]|新[加西币]|[坡纽]币|韩[元币]|泰铢"
    "|(?:CNY|RMB|USD|EUR|JPY|GBP|HKD|AUD|CAD|CHF|SGD|NZD|KRW|THB|yuan|dollars?|euros?|pounds?|yen|won|baht)(?![a-z])"
)
_AMONG_WORDS = re.compile(
    rf"(?<![0-9.$¥€£])[0-9]{{{CODE_LENGTH}}}(?![0-9]|\.[0-9]|\s*(?:{_CURRENCY}))",
    re.IGNORECASE,
)


def hide_code(text: str) -> tuple[str, str | None]:
    """*text* as it may be stored while a code is awaited, and the code it holds.

    "123456", "１２３ ４５６", "验证码是123456" are a code; in any other sentence every lone run of six digits is hidden
    too and the first is taken for the code, but an amount is left as it is. Text without one comes back unchanged.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if alone := _ALONE.fullmatch(plain):
        return MASKED, re.sub(r"[^0-9]", "", alone[1])
    if among := _AMONG_WORDS.search(plain):
        return _AMONG_WORDS.sub(MASKED, plain), among[0]
    return text, None
