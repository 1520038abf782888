"""``docs/capabilities.md``, written from what is served: kind, access, slots, backend, rules, an example, a reply."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from types import ModuleType

from backends.knowledge.answers import answers
from backends.registry import BY_NAME
from backends.rules import RULES_FILE, read_rules
from intents.capability import Capability, catalog
from responses.library import library

_TITLE = """# What Teller can do

Written by `teller capabilities`; a test keeps it true. Rules are the rows of `backends/rules.yml` that the capability's own
modules, or the written answers on it, name.
"""
_MAIN = ("found", "ready", "answered", "queued", "registered", "first_steps", "plain")
"""The outcomes that show best what a capability says, the first that it has."""
_LITERAL = re.compile(r"[\"'{]([a-z0-9_]+)[\"'}]")


def page() -> str:
    """The whole page as Markdown."""
    every = catalog()
    parts = [_TITLE]
    for kind in ("query", "write", "knowledge", "dialogue"):
        chosen = [capability for capability in every.values() if capability.kind == kind]
        parts.append(f"\n## {kind.capitalize()} ({len(chosen)})\n")
        parts += [_section(capability) for capability in chosen]
    return "".join(parts)


def _section(capability: Capability) -> str:
    slots = [f"**{name}**" if use.required else name for name, use in capability.slots.items()]
    slots += [f"{name} ({', '.join(cue.values)})" for name, cue in capability.cues.items()]
    rows = [
        ("access", "anyone" if capability.access == "public" else "a signed-in customer"),
        ("slots", ", ".join(slots)),
        ("backend", f"`{capability.backend}`" if capability.backend else ""),
        ("channels", ", ".join(capability.channels)),
        ("rules", ", ".join(f"`{name}`" for name in sorted(_rules_of(capability)))),
        ("example", " / ".join(_examples(capability))),
        ("reply", _reply(capability)),
    ]
    lines = "".join(f"| {name} | {_cell(value)} |\n" for name, value in rows if value)
    return f"\n### {capability.name}\n\n{capability.zh} · {capability.en}\n\n| | |\n|---|---|\n{lines}"


def _examples(capability: Capability) -> Iterator[str]:
    """The first example in each language."""
    for language in ("zh", "en"):
        first = next((found for found in capability.parsed_examples() if found.language == language), None)
        if first is not None:
            yield first.text


def _reply(capability: Capability) -> str:
    """The first Chinese wording of its main outcome, with the names of its facts."""
    for stem in (capability.name, "_shared"):
        outcomes = library()[stem].outcomes if stem in library() else {}
        name = next((main for main in _MAIN if main in outcomes), None)
        if name is not None:
            return outcomes[name].zh[0]
    return ""


def _rules_of(capability: Capability) -> set[str]:
    action = BY_NAME.get(capability.name)
    if action is None:
        return set()
    known = {rule.rule_id for rule in read_rules(RULES_FILE)}
    stated = {rule for answer in answers() if answer.intent == capability.name for rule in answer.rule_ids}
    if capability.kind == "knowledge":
        return known & stated
    own = sys.modules[type(action).__module__]
    room = own.__name__.rpartition(".")[0]
    near = {own, *(module for module in _imported(own) if module.__name__.startswith(room + "."))}
    named = {name for module in near for name in _LITERAL.findall(inspect.getsource(module))}
    return known & (named | stated)


def _imported(module: ModuleType) -> Iterator[ModuleType]:
    """The modules that *module* takes functions and classes from."""
    for value in vars(module).values():
        origin = getattr(value, "__module__", None)
        if isinstance(origin, str) and origin in sys.modules:
            yield sys.modules[origin]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")
