"""Customers' words as those may read them who look after the bot: nobody's numbers and names in them, sums left to be read."""

from __future__ import annotations

from responses.mask import HIDDEN, Found, Vault, mask_words

SECRETS = frozenset({"SECRET", "EXPIRY"})
_LEFT = frozenset({"AMOUNT"})
"""Figures that are nobody's by themselves: without them nobody could tell what a reply or an example says."""


def personal(text: str) -> list[Found]:
    """What in *text* is somebody's, in its order: all that a model is kept from but for plain figures."""
    return [found for found in mask_words(text, Vault()).found if found.kind not in _LEFT]


def hide(text: str, vault: Vault | None = None) -> str:
    """*text* with a token of *vault* for each of those, the same for the same words."""
    vault = vault or Vault()
    out, last = "", 0
    for found in personal(text):
        words = text[found.start : found.end]
        out += text[last : found.start] + (HIDDEN if found.kind in SECRETS else vault.token(found.kind, words))
        last = found.end
    return out + text[last:]
