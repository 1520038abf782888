"""One spelling for reading: full-width, traditional and foreign digits folded, with the way back to the raw text."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_TRADITIONAL = str.maketrans(
    "萬億兩點號個幣圓歐鎊韓紐銖幾貳參陸週兌後這從為負內時間鐘禮過來節盧亞蘭沒貝麼臺",
    "万亿两点号个币圆欧镑韩纽铢几贰叁陆周兑后这从为负内时间钟礼过来节卢亚兰没贝么台",
)
_DASHES = dict.fromkeys("−‐‑‒–—―﹣﹘", "-")
_TILDES = dict.fromkeys("〜∼﹏", "~")
_SINGLE = {**_DASHES, **_TILDES, "〇": "零", "○": "零", "◯": "零", "⃣": ""}


_LONGEST_SLOT = 200


@dataclass(frozen=True, slots=True)
class Folded:
    """``text`` as it is read; character *i* of it was written at ``raw[starts[i]:ends[i]]``."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The raw offsets of ``text[start:end]``, which must not be empty."""
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Folded:
    """*text* in NFKC, lower case and simplified characters; invisible characters between digits are dropped."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for index, char in enumerate(text):
        folded = char.lower() if char.isascii() else _fold_char(char)
        parts.append(folded)
        starts.extend([index] * len(folded))
        ends.extend([index + 1] * len(folded))
    return Folded("".join(parts), tuple(starts), tuple(ends))


def plain(text: str) -> str:
    """The folded text alone, trimmed: what the readers of a whole slot look at. Nothing of a text too long for one."""
    return fold(text if len(text) <= _LONGEST_SLOT else "").text.strip(" \t\r\n。.!?,;、")


@lru_cache(8192)
def _fold_char(char: str) -> str:
    if char in _SINGLE:
        return _SINGLE[char]
    # Cf: zero-width joiners and marks; FE0F: the "emoji style" mark that turns 1 into a keycap.
    if unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f":
        return ""
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", char).lower().translate(_TRADITIONAL)
    return "".join(_SINGLE.get(part, part) for part in folded)
