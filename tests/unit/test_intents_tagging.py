"""Slot tags: spans to tags and back, and the decoding that obeys BIO."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from intents.tagging import best_tags, spans_of, token_tags

SLOTS = ("amount", "currency")
SCORES = arrays(np.float32, st.tuples(st.integers(1, 4), st.just(5)), elements=st.floats(-5, 5, width=16))


def is_valid(tags: tuple[int, ...] | list[int]) -> bool:
    """Whether every inside tag continues its own slot."""
    return all(tag == 0 or tag % 2 == 1 or before in (tag - 1, tag) for before, tag in itertools.pairwise([0, *tags]))


@given(SCORES)
def test_the_decoded_tags_are_the_best_of_all_valid_sequences(scores: np.ndarray) -> None:
    length, count = scores.shape
    found = best_tags(scores)
    assert is_valid(found)
    best = max(
        float(scores[np.arange(length), tags].sum())
        for tags in itertools.product(range(count), repeat=length)
        if is_valid(tags)
    )
    assert abs(float(scores[np.arange(length), found].sum()) - best) < 1e-3


@st.composite
def spans_in_a_text(draw: st.DrawFn) -> tuple[int, tuple[tuple[int, int, str], ...]]:
    cuts = sorted(draw(st.sets(st.integers(0, 20), min_size=2, max_size=8)))
    spans = [
        (start, end, draw(st.sampled_from(SLOTS))) for start, end in itertools.pairwise(cuts) if draw(st.booleans())
    ]
    return 20, tuple(spans)


@given(spans_in_a_text())
def test_spans_survive_the_way_through_tags(case: tuple[int, tuple[tuple[int, int, str], ...]]) -> None:
    length, spans = case
    offsets = [(0, 0), *((at, at + 1) for at in range(length)), (0, 0)]
    tags = token_tags(offsets, spans, SLOTS)
    assert tags[0] == tags[-1] == -100
    assert spans_of(offsets, tags, SLOTS) == list(spans)


def test_the_bytes_of_one_character_are_one_span() -> None:
    offsets = [(0, 1), (1, 2), (1, 2), (1, 2), (2, 3)]
    assert spans_of(offsets, [0, 1, 2, 2, 2], SLOTS) == [(1, 3, "amount")]
