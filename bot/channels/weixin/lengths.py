"""Replies as texts, cut to what the platform takes: at the end of a sentence, and never within a figure."""

from __future__ import annotations

import re
from typing import Any

from bot.channels import words
from bot.channels.talk import worded

MAX_BYTES = 2_048
"""UTF-8 bytes of the longest text of each of these platforms."""
_SENTENCE = re.compile(r"[^。！？!?；;\n]*(?:[。！？!?；;]+[”’」』）)]*|\n+|$)")
_WORD = re.compile(r"[\x21-\x7e]+\s*|\s+|[^\x21-\x7e\s]")


def spoken(reply: dict[str, Any], page: str, most: int) -> list[str]:
    """A reply (``service.reply_shape``) as at most *most* texts. *page* is the bank's page, for what must be done there.

    Cards say nothing that the text does not; buttons become words to reply with.
    """
    english = reply.get("language") == "en"
    lines = [worded(reply, page)]
    replies = [quick["payload"] for quick in reply.get("quick_replies", ())]
    if replies:
        lines.append(f"You can reply: {' / '.join(replies)}" if english else f"您可以回复：{' / '.join(replies)}")
    return pieces("\n".join(lines), most, words.MORE_EN if english else words.MORE)


def pieces(text: str, most: int, more: str, limit: int = MAX_BYTES) -> list[str]:
    """*text* in at most *most* messages of *limit* bytes. Where that is too few, the last one ends with *more*."""
    parts = _packed(_split(text, limit), limit)
    if len(parts) <= most:
        return parts
    room = limit - len(f"\n{more}".encode())
    kept = _packed(_split("\n".join(parts[most - 1 :]), room), room)[0]
    return [*parts[: most - 1], f"{kept}\n{more}"]


def _split(text: str, limit: int) -> list[str]:
    """The sentences, and the words of one that is too long by itself."""
    found = []
    for sentence in _SENTENCE.findall(text):
        if len(sentence.encode()) <= limit:
            found.append(sentence)
        else:
            found += [part for word in _WORD.findall(sentence) for part in _chopped(word, limit)]
    return found


def _chopped(word: str, limit: int) -> list[str]:
    # Only ASCII words can be long, and there a character is a byte.
    return [word[start : start + limit] for start in range(0, len(word), limit)]


def _packed(parts: list[str], limit: int) -> list[str]:
    packed, size = [""], 0
    for part in parts:
        length = len(part.encode())
        if size + length > limit:
            packed.append("")
            size = 0
        packed[-1] += part
        size += length
    return [text for text in (each.strip() for each in packed) if text]
