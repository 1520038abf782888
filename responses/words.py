"""What a customer wrote, as whoever words a reply may read it: for its tone, without personal data and without figures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backends.values import find_figures
from responses.mask import HIDDEN, Vault, mask_personal

LONGEST = 160
"""Code points that are kept: a tone is heard in fewer."""
_NAMED = re.compile(
    r"(?:我叫|我是|我姓|本人|名字(?:是|叫)|户名(?:是|叫)?|姓名(?:是|叫)?)[ :：]{0,2}(?P<zh>[\u4e00-\u9fff·]{2,4})(?=[，。,.！!；;\s]|$)"
    r"|(?:my name is|i am|i'm|this is)\s+(?P<en>[A-Z][a-z]+(?: [A-Z][a-z]+){0,2})",
)
_LONG_DIGITS = re.compile(r"[0-9０-９]{2,}")
_MARK = re.compile(r"⟦[^⟦⟧]*⟧")


def without_what_is_theirs(text: str, names: Sequence[str] = ()) -> str:
    """*text* with names as ``⟦NAME_1⟧``, numbers of their own as ``⟦CARD_1⟧``, ``⟦PHONE_1⟧`` …, and sums, dates and all
    other figures as ``⟦AMOUNT_1⟧``. *names* are those the customer goes by."""
    vault = Vault()
    plain = mask_personal(_MARK.sub("", text).replace("⟦", "").replace("⟧", ""), vault).text
    for name in sorted(filter(None, names), key=len, reverse=True):
        if name in plain:
            plain = plain.replace(name, vault.token("NAME", name))
    plain = _NAMED.sub(lambda match: _named(match[0], match["zh"] or match["en"], vault), plain)
    return _cut(_figures_hidden(plain, vault))


def _named(found: str, name: str, vault: Vault) -> str:
    return found.replace(name, vault.token("NAME", name))


def _figures_hidden(text: str, vault: Vault) -> str:
    out, last = "", 0
    marks = [match.span() for match in _MARK.finditer(text)]
    for figure in find_figures(text):
        if figure.start < last or any(start < figure.end and figure.start < end for start, end in marks):
            continue
        out += text[last : figure.start] + vault.token("AMOUNT", figure.text)
        last = figure.end
    text = out + text[last:]
    return re.sub(rf"{_MARK.pattern}|{_LONG_DIGITS.pattern}", lambda match: _hidden(match[0], vault), text)


def _hidden(found: str, vault: Vault) -> str:
    return found if found.startswith("⟦") else vault.token("AMOUNT", found)


def _cut(text: str) -> str:
    """The beginning of *text*, never within a mark."""
    text = text.replace(HIDDEN, "…")
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST]
    return kept[: kept.rfind("⟦")] if kept.rfind("⟦") > kept.rfind("⟧") else kept
