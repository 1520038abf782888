"""How freely a model may word what it is given: a bank's choice, made in its settings."""

from __future__ import annotations

from typing import Literal

Freedom = Literal["free", "known", "strict"]
"""What words a model may use: ``free``, any that no gate refuses; ``known``, those that people put side by side, but for one new
pair a sentence, as where two known phrases meet (a word put in or exchanged makes two); ``strict``, without that one."""
