"""How freely a model may word what it is given: a bank's choice, made in its settings."""

from __future__ import annotations

from typing import Literal

Freedom = Literal["free", "known", "strict"]
"""What a model may say: ``free``, what no gate refuses; ``known``, that in words that people put side by side, but for one new
pair a sentence (a word put in or exchanged makes two); ``strict``, sentences that people said of the same outcome and the same
facts. What it may not say is said by the nearest sentence that it may, by the template, or not at all."""
DEFAULT: Freedom = "strict"
