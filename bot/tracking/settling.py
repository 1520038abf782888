"""What is remembered of a turn: what is unfinished, what the next message may answer, the last topic."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from backends.result import Fact
from bot.decision import Answer, Ask, Clarify, Confirm, Saying, Step
from bot.session import Session, Task, Topic
from bot.tracking.heard import COURTESIES

OBJECTS = ("card_tail", "product_name")
"""Facts that name a thing a customer may refer to by "那张卡" or "第二个"."""
OFFERS_A_HUMAN = frozenset({"miss_again", "planned", "unknown", "human_offer"})
"""Outcomes whose words end by offering to call a human."""


def settle(session: Session, decisions: Sequence[Saying], steps: Sequence[Step], now: dt.datetime) -> Session:
    """The session after everything was said: what is unfinished, what the next message may answer, the last topic."""
    agenda = {task.id: task for task in (*session.agenda, *session.queue)}
    open_tasks = {task.id: task for task in session.tasks}
    challenges = {
        step.decision.task: step.result.reference
        for step in steps
        if step.decision.kind == "step_up" and step.result.outcome == "code_sent"
    }
    last, mentioned = session.last, session.mentioned
    for decision in decisions:
        task = agenda.get(decision.task) or open_tasks.get(decision.task)
        if task is None:
            continue
        if isinstance(decision, Answer) and decision.closes:
            open_tasks.pop(task.id, None)
            if task.slots or task.capability not in COURTESIES:
                listed = tuple(_objects(row) for row in decision.say.rows)
                last = Topic(capability=task.capability, act=task.act, slots=task.slots, listed=listed, at=now)
                named = {slot: (value,) for slot, value in _objects(decision.say.facts).items()}
                mentioned = {**mentioned, **{slot: values for slot, values in task.slots.items() if values}, **named}
            continue
        changes: dict[str, object] = {"touched_at": now}
        changes["options"] = ()
        if isinstance(decision, Ask):
            changes.update(awaiting=decision.slot, options=tuple(choice.value for choice in decision.say.choices))
        elif isinstance(decision, Clarify):
            changes.update(awaiting="clarify", options=decision.options)
        elif isinstance(decision, Confirm):
            changes.update(awaiting="confirm", quoted=decision.say, confirmed=False, challenge_id=None)
        else:
            changes["awaiting"] = decision.awaiting
        if isinstance(decision, Answer) and decision.say.outcome == "resume":
            changes["resumed"] = task.resumed + 1
        if task.id in challenges:
            changes["challenge_id"] = challenges[task.id]
        open_tasks.pop(task.id, None)
        open_tasks[task.id] = task.model_copy(update=changes)
    told = {decision.task for decision in decisions}
    settled = session.model_copy(
        update={
            "tasks": tuple(open_tasks.values()),
            "queue": tuple(task for task in session.queue if task.id not in told),
            "agenda": (),
            "last": last,
            "mentioned": mentioned,
            "human_offer": "none" if session.human_offer == "none" else "made",
            "turns": session.turns + 1,
        }
    )
    return _with_offer(settled, decisions, now)


def _with_offer(session: Session, decisions: Sequence[Saying], now: dt.datetime) -> Session:
    """The session in which a yes is to the human that was just offered, unless another question stands after it."""
    asks = any(not isinstance(decision, Answer) or not decision.closes for decision in decisions)
    if asks or not decisions or decisions[-1].say.outcome not in OFFERS_A_HUMAN:
        return session
    offer = Task(id=session.next_task, capability="human_agent", act="do", awaiting="offer", touched_at=now)
    return session.model_copy(update={"tasks": (*session.tasks, offer), "next_task": session.next_task + 1})


def _objects(facts: Sequence[Fact]) -> dict[str, str]:
    """The things that *facts* name, by the slot that would name them."""
    return {fact.name: fact.value for fact in facts if fact.name in OBJECTS}
