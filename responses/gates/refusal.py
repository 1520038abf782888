"""What a gate refuses, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """``rule`` was broken by ``text[start:end]`` (code points of the checked text), which reads *span*."""

    rule: str
    start: int
    end: int
    span: str
