"""What happened so far, in a few lines: for the rep who takes over, and as a draft of what they leave to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.desk.transcript import latest_records
from bot.message import Frozen
from bot.store import reading
from intents.capability import catalog

LATEST_TURNS = 40
SAID = 40
"""Code points of the customer's last words that are repeated."""
_STATES = {
    "done": {"zh": "已办理", "en": "done"},
    "answered": {"zh": "已答复", "en": "answered"},
    "confirm": {"zh": "待客户确认", "en": "waits for a yes"},
    "code": {"zh": "待验证码", "en": "waits for a code"},
    "ask": {"zh": "待补充信息", "en": "waits for details"},
    "clarify": {"zh": "没听懂，已追问", "en": "not understood, asked again"},
    "failed": {"zh": "未能完成", "en": "failed"},
    "handoff": {"zh": "已转人工", "en": "handed to a person"},
}
_FAILURES = frozenset({"unavailable", "not_done", "pending", "expired", "changed"})


class Topic(Frozen):
    """A capability that came up, and how it stands."""

    name: str
    label: str
    state: str
    said: str


class Summaries:
    """Summaries of conversations, made of their turns' records: nothing is invented."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def topics(self, conversation_id: str, language: str) -> tuple[list[Topic], str]:
        """What came up, in order, each with its latest state; and the customer's last words."""
        async with reading(self._engine) as connection:
            records = list(reversed(await latest_records(connection, conversation_id, LATEST_TURNS)))
        states: dict[str, str] = {}
        for record in records:
            for name, state in _states_of(record):
                states.pop(name, None)
                states[name] = state
        last = records[-1].get("message", {}).get("text", "") if records else ""
        return [_topic(name, state, language) for name, state in states.items()], last[:SAID]

    async def draft(self, conversation_id: str, language: str) -> str:
        """The topics and the last words as one line."""
        topics, last = await self.topics(conversation_id, language)
        between, end = ("；", "。") if language == "zh" else ("; ", ".")
        said = between.join(f"{topic.label}{'：' if language == 'zh' else ': '}{topic.said}" for topic in topics)
        if not last:
            return said
        words = f"客户最后说“{last}”" if language == "zh" else f"last said “{last}”"
        return f"{said}{end if said else ''}{words}"


def _topic(name: str, state: str, language: str) -> Topic:
    return Topic(name=name, label=label_of(name, language), state=state, said=_STATES[state][language])


def label_of(name: str, language: str) -> str:
    """What a capability is called in a list."""
    capability = catalog().get(name)
    if capability is None:
        return name
    known = capability.en if language == "en" else capability.zh
    return capability.label.get("en" if language == "en" else "zh", known)


def _states_of(record: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The capabilities of a turn and how it left each."""
    for step in record.get("steps", ()):
        decision, result = step["decision"], step["result"]
        if decision["kind"] == "handoff":
            yield "human_agent", "handoff"
        elif result.get("completed"):
            yield result["capability"], "done"
    for decision in record.get("decisions", ()):
        say = decision.get("say")
        if not say or say["capability"] == "human_agent":
            continue
        if decision["kind"] == "confirm":
            yield say["capability"], "confirm"
        elif decision["kind"] == "ask":
            yield say["capability"], "ask"
        elif decision["kind"] == "clarify":
            yield say["capability"], "clarify"
        elif say.get("completed"):
            yield say["capability"], "done"
        elif say["outcome"].startswith("code_"):
            yield say["capability"], "code"
        else:
            yield say["capability"], "failed" if say["outcome"] in _FAILURES else "answered"
