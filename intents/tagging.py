"""Slot tags: from spans to a tag for each token, and back from scores to spans that obey BIO."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int, str]
"""Start and end in code points of the raw text, and the slot."""

Spans = tuple[Span, ...]

Offsets = Sequence[tuple[int, int]]
"""Where each token stands in the raw text, ``(start, end)`` in code points; empty for special tokens."""


def token_tags(offsets: Offsets, spans: Spans, slots: Sequence[str]) -> list[int]:
    """A tag number for each token: 0 outside, ``1 + 2 i`` beginning and ``2 + 2 i`` inside a span of ``slots[i]``.

    A token that sticks out of a span still belongs to it; special tokens get -100, which no loss counts.
    """
    number = {slot: index for index, slot in enumerate(slots)}
    tags = [-100 if start == end else 0 for start, end in offsets]
    for first, last, slot in spans:
        begun = False
        for at, (start, end) in enumerate(offsets):
            if start < last and end > first and start != end:
                tags[at] = (2 if begun else 1) + 2 * number[slot]
                begun = True
    return tags


def best_tags(scores: NDArray[np.float32]) -> list[int]:
    """The likeliest tag sequence of *scores* ``[T, 2 S + 1]`` in which an inside tag only continues its own slot."""
    length, count = scores.shape
    if length == 0:
        return []
    inside = np.arange(2, count, 2)
    best = scores[0].copy()
    best[inside] = -np.inf
    came = np.zeros((length, count), dtype=np.int64)
    for at in range(1, length):
        top = int(best.argmax())
        came[at] = top
        reached = np.full(count, best[top], dtype=scores.dtype)
        begins = best[inside - 1] >= best[inside]
        came[at, inside] = np.where(begins, inside - 1, inside)
        reached[inside] = np.maximum(best[inside - 1], best[inside])
        best = reached + scores[at]
    path = [int(best.argmax())]
    for at in range(length - 1, 0, -1):
        path.append(int(came[at, path[-1]]))
    return path[::-1]


def spans_of(offsets: Offsets, tags: Sequence[int], slots: Sequence[str]) -> list[Span]:
    """The spans that *tags* draw over the text; tokens without extent are passed over."""
    found: list[Span] = []
    for (start, end), tag in zip(offsets, tags, strict=True):
        if start == end or tag <= 0:
            continue
        slot = slots[(tag - 1) // 2]
        if tag % 2 == 0 and found and found[-1][2] == slot:
            found[-1] = (found[-1][0], max(end, found[-1][1]), slot)
        elif not (found and found[-1][1] > start):
            found.append((start, end, slot))
    return found
