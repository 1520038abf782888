"""What a customer wrote, as whoever words a reply may read it: for its tone, without personal data and without figures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from responses.mask import HIDDEN, Vault, mask_words

LONGEST = 160
"""Code points that are kept: a tone is heard in fewer."""
_MARK = re.compile(r"⟦[^⟦⟧]*⟧")


def without_what_is_theirs(text: str, names: Sequence[str] = ()) -> str:
    """*text* with names as ``⟦NAME_1⟧``, numbers of their own as ``⟦CARD_1⟧``, ``⟦PHONE_1⟧`` …, and sums, dates and all
    other figures as ``⟦AMOUNT_1⟧``. *names* are those the customer goes by."""
    heard = mask_words(_MARK.sub("", text), Vault(), {"NAME": names})
    return _cut(heard.text)


def _cut(text: str) -> str:
    """The beginning of *text*, never within a mark."""
    text = text.replace(HIDDEN, "…")
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST]
    return kept[: kept.rfind("⟦")] if kept.rfind("⟦") > kept.rfind("⟧") else kept
