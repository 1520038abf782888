"""Replies cut to what the platform takes: at the end of a sentence, and never within a figure."""

from __future__ import annotations

import re

MAX_BYTES = 2_048
"""UTF-8 bytes of the longest text of each of these platforms."""
_SENTENCE = re.compile(r"[^。！？!?；;\n]*(?:[。！？!?；;]+[”’」』）)]*|\n+|$)")
_WORD = re.compile(r"[\x21-\x7e]+\s*|\s+|[^\x21-\x7e\s]")


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
