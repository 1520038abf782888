"""Why there is no answer: problem details (RFC 9457), with what a caller of a bank has to know besides."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backends.result import Fact

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """A bank system's no. Unknown members are ignored, as RFC 9457 asks of a client."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str = Field(default="", description="one sentence for a developer; never repeats the request")
    effect: Literal["none", "unknown"] | None = Field(
        default=None, description="whether something may have been done all the same"
    )
    outcome: str | None = Field(default=None, description="the outcome of the capability that a bank rule came to")
    facts: tuple[Fact, ...] = Field(default=(), description="what a reply may state about it")


def read_problem(body: bytes) -> Problem:
    """The problem that *body* holds; one that says nothing where it holds none."""
    try:
        return Problem.model_validate_json(body)
    except ValidationError:
        return Problem()
