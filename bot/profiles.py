"""Who a customer is to the bank, remembered for a minute: how a reply addresses them is no reason to ask at every turn."""

from __future__ import annotations

import datetime as dt

from backends.action import Caller
from backends.result import Result

LIFE = dt.timedelta(seconds=60)
"""How long an answer is good for: a name that the bank corrects is right a minute later."""
MOST = 2_000
"""Customers who are remembered at once, the latest of them; the others are asked for again."""


class Profiles:
    """One process's memory. It is only good for wording: what a reply states of an effect is asked for when it is done.

    The whole caller is the key: after a sign-in, or in another conversation, nothing is known.
    """

    def __init__(self) -> None:
        self._known: dict[Caller, tuple[dt.datetime, Result]] = {}

    def get(self, caller: Caller, now: dt.datetime) -> Result | None:
        """The profile of *caller*, if it was learnt less than ``LIFE`` before *now*."""
        learnt, profile = self._known.get(caller, (None, None))
        return profile if learnt is not None and now - learnt < LIFE else None

    def learn(self, caller: Caller, profile: Result, now: dt.datetime) -> None:
        """Remember *profile*, and forget what is too old or too much."""
        self._known.pop(caller, None)
        self._known[caller] = (now, profile)
        while len(self._known) > MOST or now - self._oldest()[1] >= LIFE:
            del self._known[self._oldest()[0]]

    def _oldest(self) -> tuple[Caller, dt.datetime]:
        caller, (learnt, _) = next(iter(self._known.items()))
        return caller, learnt
