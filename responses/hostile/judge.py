"""Whether a wrong thing reached the customer: by searching what would be shown, with none of the gates' rules or readers."""

from __future__ import annotations

import re
import unicodedata

from responses.hostile.lie import Lie

_DIGITS = re.compile(r"\d+(?:,\d+)*(?:\.\d+)?")


def wrong_in(shown: str, honest: str, lie: Lie) -> bool:
    """Whether *shown* says what *lie* made wrong, lacks what it left out, or has a number that *honest* does not have."""
    said, known = _plain(shown), _plain(honest)
    if lie.says is not None and _plain(lie.says) in said and _plain(lie.says) not in known:
        return True
    if lie.lacks is not None and _plain(lie.lacks) not in said:
        return True
    return bool(set(_DIGITS.findall(shown)) - set(_DIGITS.findall(honest)))


def _plain(text: str) -> str:
    """*text* as an eye reads it: one width, one case, no blanks and nothing invisible."""
    wide = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in wide if not char.isspace() and unicodedata.category(char) not in ("Cf", "Mn"))
