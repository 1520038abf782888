"""Reps' passwords: argon2id with the parameters that RFC 9106 recommends where memory is scarce, off the event loop."""

from __future__ import annotations

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

SHORTEST, LONGEST = 12, 256
"""Characters of a password: NIST SP 800-63B asks for length, not for kinds of characters."""
FEWEST_DIFFERENT = 4
AT_ONCE = 4
"""Hashes that one process works on at a time, each in 64 MiB."""
NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$XQg2VJuqfqoq6RR+3R4wdg$TU91r7zdOCGRAP2H9FEbt/pRQwY4US6Bag4QRzvsX+E"
"""The hash of a password that was thrown away: a name that nobody has takes as long to refuse as a wrong password."""


class WeakPassword(ValueError):
    """The password cannot be taken; the sentence says why."""


def demand_strong(password: str, name: str) -> None:
    """Raises ``WeakPassword`` where *password* is too short or long, of too few characters, or holds *name*."""
    plain = _plain(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise WeakPassword(f"A password has {SHORTEST} to {LONGEST} characters.")
    if len(set(plain)) < FEWEST_DIFFERENT:
        raise WeakPassword(f"A password has {FEWEST_DIFFERENT} different characters or more.")
    if name.lower() in plain.lower():
        raise WeakPassword("A password does not hold the name that it is for.")


class Passwords:
    """Hashing and checking in one process, a few at a time: whoever asks for many at once waits, and the memory holds.

    *hasher* makes new hashes; an old one is checked with the parameters that are written in it.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def hashed(self, password: str) -> str:
        """The PHC string of *password*, with a salt of its own."""
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, _plain(password))

    async def match(self, hash_: str, password: str) -> bool:
        """Whether *password* is the one of *hash_*."""
        async with self._places:
            return await asyncio.to_thread(self._matches, hash_, _plain(password))

    def _matches(self, hash_: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash_, password)
        except (VerificationError, InvalidHashError):
            return False


def _plain(password: str) -> str:
    # The same characters typed on another keyboard may come composed otherwise.
    return unicodedata.normalize("NFKC", password)
