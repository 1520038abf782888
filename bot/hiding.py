"""Customers' words as those may read them who look after the bot: nobody's numbers and names in them, sums left to be read."""

from __future__ import annotations

from collections.abc import Sequence

from responses.mask import HIDDEN, Found, Vault, mask_words

SECRETS = frozenset({"SECRET", "EXPIRY"})
_LEFT = frozenset({"AMOUNT"})
"""Figures that are nobody's by themselves: without them nobody could tell what a reply or an example says."""


def personal(text: str, names: Sequence[str] = ()) -> list[Found]:
    """What in *text* is somebody's, in its order: *names* that are known, and all that a model is kept from but for plain
    figures."""
    return [found for found in mask_words(text, Vault(), {"NAME": names}).found if found.kind not in _LEFT]


def hide(text: str, vault: Vault | None = None, names: Sequence[str] = ()) -> str:
    """*text* with a token of *vault* for each of those, the same for the same words."""
    vault = vault or Vault()
    out, last = "", 0
    for found in personal(text, names):
        words = text[found.start : found.end]
        out += text[last : found.start] + (HIDDEN if found.kind in SECRETS else vault.token(found.kind, words))
        last = found.end
    return out + text[last:]
