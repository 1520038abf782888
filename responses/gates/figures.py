"""Gate 2: every figure read back out of the finished text, and compared with the facts as typed values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from backends.values import find_figures, same_value
from responses.draft import Filled, Span
from responses.gates.bare import bare
from responses.gates.neighbours import FIGURES
from responses.gates.refusal import Refusal
from responses.gates.wording import harmless_spans

_BLANK = "\ufffc"
_ONE_NUMBER = re.compile(r"\d[,.]?\d|[0-9A-Za-z]{2}")
"""The end of one fact and the beginning of the next, read as one figure or one code."""
_PART_OF_IT = frozenset(["", "人民币", "rmb", "cny", "renminbi", "yuan", "整", "份", "度", "全年"])
"""Words that belong to the figure beside them and leave its value as it is: 元整, 2026年10月份. Gate 1 has made sure that
they may stand there."""


def check_figures(filled: Filled) -> list[Refusal]:
    """Figures that no fact vouches for, and facts whose figure cannot be read in the text as it stands.

    Texts, names, enum words and identifiers are set aside first: the 90天 of a product's name is no figure.
    """
    return list(_compare(filled))


def _compare(filled: Filled) -> Iterator[Refusal]:
    text = filled.text
    for one, other in pairwise(sorted(filled.spans, key=lambda span: span.start)):
        # Each is right by itself, and a customer reads one number: the card 8125 and 500.00元 as 8125500.00元.
        sum_of_it = one.end == other.start and (one.fact.kind, other.fact.kind) == ("digits", "currency")
        if sum_of_it or _ONE_NUMBER.fullmatch(text[one.end - 1 : other.start + 1]):
            yield Refusal("figure_changed", one.start, other.end, text[one.start : other.end])
    stated: list[Span] = []
    for span in filled.spans:
        if span.fact.kind in FIGURES:
            stated.append(span)
        else:
            text = text[: span.start] + _BLANK * (span.end - span.start) + text[span.end :]
    found = find_figures(text)
    harmless: list[tuple[int, int]] | None = None
    unread = list(stated)
    for figure in found:
        own = next((span for span in unread if span.start < figure.end and figure.start < span.end), None)
        if own is None:
            if harmless is None:
                harmless = harmless_spans(bare(text))
            if any(start <= figure.start and figure.end <= end for start, end in harmless):
                continue
            yield Refusal("figure_ungrounded", figure.start, figure.end, figure.text)
            continue
        unread.remove(own)
        beyond = (text[figure.start : own.start] + text[own.end : figure.end]).strip().lower()
        if beyond not in _PART_OF_IT or not same_value(figure.value, own.fact.typed()):
            yield Refusal("figure_changed", figure.start, figure.end, figure.text)
    for span in unread:
        yield Refusal("figure_missing", span.start, span.end, text[span.start : span.end])
