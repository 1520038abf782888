"""A turn's record in lines a person can read: what was understood and decided, on which facts, and how it was said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backends.result import Fact

_WORDS = {
    "zh": {
        "intents": "意图",
        "slots": "槽位",
        "decided": "决定",
        "facts": "事实",
        "verdict": "判定",
        "time": "用时",
        "none": "无",
        "failed": "本轮未能完成",
    },
    "en": {
        "intents": "intents",
        "slots": "slots",
        "decided": "decided",
        "facts": "facts",
        "verdict": "verdict",
        "time": "time",
        "none": "none",
        "failed": "the turn failed",
    },
}


def explain(record: dict[str, Any], reply: dict[str, Any] | None, language: str) -> Iterator[str]:
    """The lines for a turn's *record* and its *reply* (``None`` where nothing was said), labelled in *language*."""
    words = _WORDS[language]
    if "failed" in record:
        yield f"{words['failed']}: {record['failed']}"
        return
    understanding = record["understanding"]
    intents = "  ".join(f"{intent['name']} {intent['confidence']:.2f}" for intent in understanding["intents"])
    yield f"{words['intents']}  {intents}  · {understanding['act']} · {understanding['language']}"
    yield from _listed(words["slots"], [_slot(slot) for slot in understanding["slots"]], words["none"])
    decisions = [*(step["decision"] for step in record["steps"]), *record["decisions"]]
    outcomes = [*(step["result"]["outcome"] for step in record["steps"]), *[None] * len(record["decisions"])]
    lines = [_decision(decision, outcome) for decision, outcome in zip(decisions, outcomes, strict=True)]
    yield from _listed(words["decided"], lines, words["none"])
    yield from _listed(words["facts"], [_fact(fact, language) for fact in _facts(record)], words["none"])
    if reply is not None:
        yield f"{words['verdict']}  {_verdict(reply['how'])}"
    times = " · ".join(f"{stage} {milliseconds:.1f} ms" for stage, milliseconds in record["milliseconds"].items())
    yield f"{words['time']}  {times}"


def _listed(label: str, lines: list[str], none: str) -> Iterator[str]:
    yield f"{label}  {lines[0] if lines else none}"
    indent = " " * (sum(2 if ord(c) > 0x2E80 else 1 for c in label) + 2)
    for line in lines[1:]:
        yield f"{indent}{line}"


def _slot(slot: dict[str, Any]) -> str:
    return f"{slot['slot']} “{slot['value']}” → {slot['normalized']}"


def _decision(decision: dict[str, Any], outcome: str | None) -> str:
    call, say = decision.get("call"), decision.get("say")
    if call:
        what = f"{call['name']}.{call['step']} → {outcome}"
    elif say:
        what = f"{say['capability']}.{say['outcome']}"
    else:
        what = f"→ {outcome}"
    return f"{decision['kind']} {what} · {decision['why']}"


def _facts(record: dict[str, Any]) -> Iterator[Fact]:
    """The facts the reply could state, each once."""
    seen: dict[str, Fact] = {}
    for decision in record["decisions"]:
        said = decision.get("say") or {}
        for raw in [*said.get("facts", ()), *(fact for row in said.get("rows", ()) for fact in row)]:
            fact = Fact.model_validate(raw)
            seen.setdefault(fact.model_dump_json(), fact)
    yield from seen.values()


def _fact(fact: Fact, language: str) -> str:
    return f"{fact.name} = {fact.spoken(language)} · {fact.source} · {fact.as_of:%Y-%m-%d %H:%M:%S}Z"


def _verdict(how: dict[str, Any]) -> str:
    refused = "".join(f" · ✗ {refusal['rule']} “{refusal['span']}”" for refusal in how["refused"])
    attempts = f" · {how['attempts']}×" if how["attempts"] else ""
    return f"{how['verdict']} · {how['generator']}{attempts}{refused}"
