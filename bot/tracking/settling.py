"""What is remembered of a turn: what is unfinished, what the next message may answer, the last topic."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from bot.decision import Answer, Ask, Clarify, Confirm, Saying, Step
from bot.session import Session, Topic
from bot.tracking.heard import COURTESIES


def settle(session: Session, decisions: Sequence[Saying], steps: Sequence[Step], now: dt.datetime) -> Session:
    """The session after everything was said: what is unfinished, what the next message may answer, the last topic."""
    agenda = {task.id: task for task in session.agenda}
    open_tasks = {task.id: task for task in session.tasks}
    challenges = {
        step.decision.task: step.result.reference
        for step in steps
        if step.decision.kind == "step_up" and step.result.outcome == "code_sent"
    }
    last = session.last
    for decision in decisions:
        task = agenda.get(decision.task) or open_tasks.get(decision.task)
        if task is None:
            continue
        if isinstance(decision, Answer) and decision.closes:
            open_tasks.pop(task.id, None)
            last = (
                Topic(capability=task.capability, act=task.act, slots=task.slots, at=now)
                if task.slots or (task.capability not in COURTESIES)
                else last
            )
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
    return session.model_copy(
        update={"tasks": tuple(open_tasks.values()), "agenda": (), "last": last, "turns": session.turns + 1}
    )
