"""What a bank's groups open at the desk: a role, and skills. Whose groups open nothing does not come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Grant(BaseModel):
    """What a group gives. Without *skills* those stay that an admin chose on the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["rep", "supervisor", "admin"]
    skills: tuple[str, ...] | None = None


def _grant(given: object) -> object:
    return {"role": given} if isinstance(given, str) else given


Group = Annotated[str, Field(min_length=1, max_length=256)]
Groups = dict[Group, Annotated[Grant, BeforeValidator(_grant)]]
"""By the group's name as the provider writes it; ``"rep"`` is short for ``{"role": "rep"}``."""


def groups_in(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """The groups that *claim* names: a text or a list of texts, at the top or, with dots, further in.

    What is of another kind names none.
    """
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    listed = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(group for group in listed if isinstance(group, str))


def granted(groups: frozenset[str], rules: Groups) -> Grant | None:
    """What all of *groups* give together; ``None`` where that is nothing, or is not one role.

    A supervisor does what a rep does. An admin sees no customer and looks after the trail of those who do: whoever is
    in groups of both is let in as neither.
    """
    grants = [rules[group] for group in sorted(groups & rules.keys())]
    roles = {grant.role for grant in grants}
    if not roles or ("admin" in roles and len(roles) > 1):
        return None
    role = "supervisor" if "supervisor" in roles else grants[0].role
    named = [grant.skills for grant in grants if grant.skills is not None]
    skills = tuple(dict.fromkeys(skill for several in named for skill in several)) if named else None
    return Grant(role=role, skills=skills)


def unknown_skills(rules: Groups) -> list[str]:
    """The skills in *rules* that no rule of the desk knows."""
    # Only where there are groups: reading the desk's rules is not every command's business.
    from bot.desk.rules import desk_rules

    named = {skill for grant in rules.values() for skill in grant.skills or ()}
    return sorted(named - set(desk_rules().all_skills())) if named else []
