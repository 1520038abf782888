"""What to do next: a pure function of what was heard, what the bank has answered so far, and who is asking.

No I/O and no clock of its own: the same arguments give the same decisions, so a recorded turn can be replayed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from backends.action import ActionCall
from backends.action import Step as ActionStep
from backends.result import Choice, Fact, Result
from bot.decision import Act, Answer, Ask, Clarify, Confirm, Decision, Handoff, Step, StepUp
from bot.principal import Principal
from bot.session import Session, Task
from intents.capability import Capability
from intents.understanding import Understanding

MISSES_BEFORE_HUMAN = 2
FRAUD = "fraud_security"
KNOWLEDGE = "knowledge"
"""The action that looks up what is written on any capability."""
URGENT = frozenset({FRAUD, "card_report_lost"})
"""What is served before anything else that the message says, and before others in the queue."""
ASKED_FOR, URGENT_FIRST, FRAUD_FIRST = range(3)
"""Priorities of tickets."""
MAX_RESUMES = 2
"""How often an open question is brought up again after something else; more would be nagging."""
NOTICE_EVERY = dt.timedelta(minutes=2)
"""How often a waiting customer who writes is told their place in the queue."""


def decide(
    understanding: Understanding,
    session: Session,
    steps: Sequence[Step],
    principal: Principal,
    *,
    now: dt.datetime,
    capabilities: Mapping[str, Capability],
) -> tuple[Decision, ...]:
    """The decisions for this turn, in the order they are said; effects among them must come back as *steps* first."""
    router = _Router(understanding, session, principal, now, capabilities)
    said: list[Decision] = []
    for task in sorted(session.agenda, key=router.place):
        said += router.next(task, [step for step in steps if step.decision.task == task.id])
    if not session.agenda:
        said += router.without_topic()
    if any(isinstance(decision, Act | StepUp | Handoff) for decision in said):
        return tuple(said)
    said += router.resume(said)
    said += router.next_in_queue(said, steps)
    return tuple(router.with_offer(said))


def _looked_up(step: Step) -> bool:
    """Whether the step asked the knowledge base beside the bank's system."""
    return isinstance(step.decision, Act) and step.decision.call.name == KNOWLEDGE


def _closes(decision: Decision) -> bool:
    """Whether it says the last word on its task."""
    return isinstance(decision, Answer) and decision.closes


def protects(session: Session, capabilities: Mapping[str, Capability]) -> bool:
    """Whether all that this turn is about only protects the customer: a card is frozen even while a human is awaited."""
    return bool(session.agenda) and all(capabilities[task.capability].protective for task in session.agenda)


def decide_in_queue(
    understanding: Understanding, session: Session, steps: Sequence[Step], *, now: dt.datetime
) -> tuple[Decision, ...]:
    """While a ticket waits the bot is silent but for the state of the queue, and lets the customer out of it."""
    if steps:
        return (Answer(task=0, why="the queue's state is all the bot says now", say=steps[-1].result),)
    if understanding.top in ("cancel", "deny"):
        return (Handoff(task=0, why="the customer no longer wants to wait", reason="withdrawn", withdraw=True),)
    noticed = session.queue_noticed_at
    if understanding.top == "human_agent" or noticed is None or now - noticed >= NOTICE_EVERY:
        return (Handoff(task=0, why="tell a waiting customer their place", reason="state"),)
    return ()


def decide_requested(
    understanding: Understanding,
    session: Session,
    steps: Sequence[Step],
    principal: Principal,
    *,
    opening: bool,
    now: dt.datetime,
    capabilities: Mapping[str, Capability],
) -> tuple[Decision, ...]:
    """The decisions on the one task that a rep began, and on nothing beside it; *opening* says that it begins here."""
    router = _Router(understanding, session, principal, now, capabilities)
    [task] = session.agenda
    said = router.next_requested(task, steps)
    if not opening or any(isinstance(decision, Act | StepUp) for decision in said):
        return tuple(said)
    return (router.introduction(task), *said)


class _Router:
    """One turn's fixed circumstances, so that the rules below name only what varies."""

    def __init__(
        self,
        understanding: Understanding,
        session: Session,
        principal: Principal,
        now: dt.datetime,
        capabilities: Mapping[str, Capability],
    ) -> None:
        self.understanding = understanding
        self.session = session
        self.principal = principal
        self.now = now
        self.capabilities = capabilities

    # -- beside the rules ------------------------------------------------------------------

    def place(self, task: Task) -> tuple[bool, bool]:
        """Where *task* stands in the reply: what is urgent first, what will end in a question last."""
        form = task.act == "do" and self.capabilities[task.capability].kind == "write"
        return task.capability not in URGENT, form

    def next_in_queue(self, said: Sequence[Decision], steps: Sequence[Step]) -> list[Decision]:
        """What was asked for together with something else, once that is over and nothing is open."""
        over = {decision.task for decision in said if _closes(decision)}
        waits = not all(map(_closes, said)) or any(task.id not in over for task in self.session.tasks)
        if not self.session.queue or waits or self._is_over(said):
            return []
        task = self.session.queue[0]
        fresh = self.session.model_copy(update={"signal": None})
        router = _Router(self.understanding, fresh, self.principal, self.now, self.capabilities)
        say = self._say(task, "resume", self._topic(task))
        begun = router.next(task, [step for step in steps if step.decision.task == task.id])
        return [Answer(task=task.id, why="the next thing that was asked for", say=say, closes=False), *begun]

    def with_offer(self, said: list[Decision]) -> list[Decision]:
        """*said*, and to who is upset or in a hurry the offer of a human, before any question; once a conversation.

        Not while something urgent is on: a lost card is frozen first.
        """
        mine = {"human_agent", *URGENT}
        if self.session.human_offer != "due" or any(task.capability in mine for task in self.session.agenda):
            return said
        if any(isinstance(decision, Answer) and decision.say.outcome == "miss_again" for decision in said):
            return said
        end = len(said)
        while end and not _closes(said[end - 1]):
            end -= 1
        why = "upset or in a hurry: a human is offered"
        say = Result(capability="human_agent", outcome="human_offer")
        return [*said[:end], Answer(task=self.session.next_task, why=why, say=say), *said[end:]]

    # -- which rule ------------------------------------------------------------------------

    def next(self, task: Task, steps: Sequence[Step]) -> list[Decision]:
        """What *task* needs next, given what its earlier *steps* of this turn brought."""
        capability = self.capabilities[task.capability]
        match self.session.signal:
            case "cancelled":
                return [self._answer(task, "cancelled", "the customer called it off", self._topic(task))]
            case "lapsed":
                return [self._answer(task, "lapsed", "a yes after so long is a yes to nothing", self._topic(task))]
            case "denied":
                return [self._answer(task, "plain", "the offer was declined", capability="deny")]
        if task.awaiting == "clarify":
            choices = tuple(self._option(name) for name in task.options)
            say = Result(capability="clarify", outcome="clarify", choices=choices)
            return [Clarify(task=task.id, why="several readings are close", options=task.options, say=say)]
        if capability.status == "planned":
            return [self._answer(task, "planned", "understood, but not served yet", self._topic(task))]
        if task.capability == "human_agent":
            return self._handoff(task, steps)
        if task.capability == FRAUD:
            return self._fraud(task, steps)
        if task.capability == "help":
            say = Result(capability="help", outcome="plain", rows=self._served())
            return [Answer(task=task.id, why="what is served, from the catalogue", say=say)]
        if capability.kind == "dialogue" and capability.backend is None:
            return [self._answer(task, "plain", "a turn of the conversation itself")]
        anonymous = capability.access == "customer" and self.principal.customer_id is None
        if anonymous and not (capability.kind == "write" and (task.act == "ask" or capability.protective)):
            if self._may_be_written(task, capability) and not steps:
                return [self._look_up(task, capability)]
            why = "it concerns a customer, and nobody is signed in"
            return [*self._written(task, steps), self._answer(task, "sign_in", why, self._topic(task))]
        if capability.kind != "write":
            return self._query(task, capability, steps)
        if task.act == "ask" or anonymous:
            return self._explain(task, capability, steps)
        if task.act == "status":
            unheard = capability.protective and any(step.result.outcome == "no_record" for step in steps)
            if not unheard:
                return self._query(task, capability, steps, step="status")
            # "My card was stolen" reads like a report on what happened: with nothing on record it is a call for help.
            steps = [step for step in steps if step.result.outcome != "no_record"]
        return self._write(task, capability, steps)

    def next_requested(self, task: Task, steps: Sequence[Step]) -> list[Decision]:
        """``next`` for a write that a rep began: whoever is not signed in is asked to, and nobody is put into a queue."""
        if self.principal.customer_id is None:
            return [self._answer(task, "sign_in", "it concerns a customer, and nobody is signed in", self._topic(task))]
        return self.next(task, steps)

    def introduction(self, task: Task) -> Answer:
        """What the customer did not ask for is not begun without a word."""
        say = self._say(task, "requested", self._topic(task), capability="human_agent")
        return Answer(task=task.id, why="a rep asked to begin it", say=say, closes=False)

    def without_topic(self) -> list[Decision]:
        """The message brought no task: there was nothing to cancel, or it was not understood."""
        number = self.session.next_task
        if self.session.signal == "nothing_to_cancel":
            say = Result(capability="cancel", outcome="nothing_to_cancel")
            return [Answer(task=number, why="nothing is under way", say=say)]
        outcome = "miss" if self.session.misses < MISSES_BEFORE_HUMAN else "miss_again"
        say = Result(capability="out_of_scope", outcome=outcome)
        return [Answer(task=number, why=f"not understood, {self.session.misses} in a row", say=say)]

    def resume(self, said: Sequence[Decision]) -> list[Decision]:
        """After a digression: the question that was open before it, asked again."""
        over = {decision.task for decision in said if _closes(decision)}
        task = next((task for task in reversed(self.session.tasks) if task.id not in over), None)
        served = {decision.task for decision in said}
        if task is None or task.id in served or not self.session.agenda or self._is_over(said):
            return []
        if task.awaiting in ("offer", "clarify") or task.resumed >= MAX_RESUMES:
            return []
        if all(self.capabilities[topic.capability].kind == "dialogue" for topic in self.session.agenda):
            return []
        again = Answer(
            task=task.id, why="back to what was under way", say=self._say(task, "resume", self._topic(task)),
            closes=False, awaiting=task.awaiting,
        )  # fmt: skip
        question = self._open_question(task)
        return [again, *question] if question else []

    def _is_over(self, said: Sequence[Decision]) -> bool:
        quiet = {"human_agent", "goodbye"}
        return any(isinstance(decision, Answer) and decision.say.capability in quiet for decision in said) or any(
            isinstance(decision, Ask | Confirm) for decision in said
        )

    # -- rules by kind ---------------------------------------------------------------------

    def _query(
        self, task: Task, capability: Capability, steps: Sequence[Step], step: ActionStep = "run"
    ) -> list[Decision]:
        own = [done for done in steps if not _looked_up(done)]
        if own:
            return self._beside(self._answered(task, own[-1].result), self._written(task, steps))
        question = self._needed(task, capability) if step == "run" else []
        look_up = [self._look_up(task, capability)] if self._may_be_written(task, capability) and not steps else []
        if question:
            return [*look_up] or self._beside(question, self._written(task, steps))
        return [self._act(task, capability, step, f"{step} asks the bank's own system"), *look_up]

    def _needed(self, task: Task, capability: Capability) -> list[Decision]:
        """The question for what the bank's system must be told first; none where all is there."""
        missing = self._missing(task, capability)
        words = capability.words if capability.kind != "knowledge" else None
        if missing is None and words is not None and words not in task.slots:
            missing = words
        return [] if missing is None else [self._ask(task, missing)]

    def _may_be_written(self, task: Task, capability: Capability) -> bool:
        """Whether the bank may have written on this very question, beside what its system answers."""
        return capability.written and task.act == "ask"

    def _written(self, task: Task, steps: Sequence[Step]) -> list[Decision]:
        """What was found written, if anything clearly was."""
        found = [step.result for step in steps if _looked_up(step) and step.result.outcome == "answered"]
        return [Answer(task=task.id, why="the bank has written on it", say=self._named(result)) for result in found]

    def _beside(self, said: list[Decision], written: list[Decision]) -> list[Decision]:
        """Both, so that a question comes last."""
        return [*written, *said] if any(isinstance(each, Ask) for each in said) else [*said, *written]

    def _answered(self, task: Task, result: Result) -> list[Decision]:
        if self.capabilities[task.capability].kind == "knowledge" and result.outcome != "close":
            return [Answer(task=task.id, why=f"the bank has written: {result.outcome}", say=self._named(result))]
        if result.choices:
            return [self._choose(task, result)]
        return [Answer(task=task.id, why=f"the bank answered {result.outcome}", say=result)]

    def _explain(self, task: Task, capability: Capability, steps: Sequence[Step]) -> list[Decision]:
        if not steps:
            explain = self._act(task, capability, "explain", "asking is not doing: explain, then offer")
            return [explain, self._look_up(task, capability)] if self._may_be_written(task, capability) else [explain]
        if capability.protective and task.act == "do" and len(steps) == 1:
            why = "a lost card of somebody who cannot sign in: a human can still block it"
            return [Handoff(task=task.id, why=why, reason="lost_card", priority=URGENT_FIRST, about=task.capability)]
        result, written = steps[0].result, self._written(task, steps)
        waiting = [step.result for step in steps if isinstance(step.decision, Handoff)]
        if waiting:
            queue = Answer(task=task.id, why="the queue's own state", say=waiting[0])
            return [Answer(task=task.id, why="what to do first", say=result), *written, queue]
        if self.principal.customer_id is None or result.outcome != "explain":
            return [Answer(task=task.id, why="explained to a visitor", say=result), *written]
        offer = self._say(task, "offer", self._topic(task))
        return [
            Answer(task=task.id, why="explained", say=result, closes=False, awaiting="offer"),
            *written,
            Answer(task=task.id, why="offer to do it now", say=offer, closes=False, awaiting="offer"),
        ]

    def _write(self, task: Task, capability: Capability, steps: Sequence[Step]) -> list[Decision]:
        if capability.channels and self.principal.channel not in capability.channels:
            return [self._answer(task, "channel", "this write is not allowed in this channel", self._topic(task))]
        if steps:
            return self._after(task, capability, steps)
        if self.session.signal == "change":
            say = self._say(task, "ask_change", ())
            return [Answer(task=task.id, why="no, but not what instead", say=say, closes=False, awaiting="confirm")]
        if self.session.signal == "code" and task.quoted is not None and task.quoted.quote is not None:
            return [self._step_up(task, task.quoted, "check the code that came back", check=True)]
        if self.session.signal == "resend" and task.quoted is not None:
            return [self._step_up(task, task.quoted, "a new code was asked for")]
        if task.confirmed and task.quoted is not None and task.awaiting == "confirm":
            if capability.protective:
                return [self._commit(task, task.quoted, "confirmed; protecting the customer needs no code")]
            return [self._step_up(task, task.quoted, "confirmed; the code must match before anything is done")]
        question = self._open_question(task) if task.awaiting and not self._filled(task) else []
        if question:
            return question
        missing = self._missing(task, capability)
        if missing is not None:
            return [self._ask(task, missing)]
        return [self._act(task, capability, "prepare", "quote it and change nothing")]

    def _after(self, task: Task, capability: Capability, steps: Sequence[Step]) -> list[Decision]:
        """A write after its latest step of this turn."""
        last = steps[-1]
        result = last.result
        if isinstance(last.decision, StepUp):
            if result.outcome == "code_ok" and task.quoted is not None:
                return [self._commit(task, task.quoted, "confirmed, and the code matched")]
            open_still = result.outcome in ("code_sent", "code_wrong")
            return [
                Answer(
                    task=task.id, why=f"one-time code: {result.outcome}", say=result,
                    closes=not open_still, awaiting="code" if open_still else None,
                )
            ]  # fmt: skip
        assert isinstance(last.decision, Act)
        if last.decision.call.step == "commit" and result.outcome in ("expired", "changed"):
            return [self._act(task, capability, "prepare", "the quote no longer holds: quote again, never silently")]
        if result.quote is not None:
            lapsed = [step.result for step in steps if step.result.outcome in ("expired", "changed")]
            told: list[Decision] = [
                Answer(task=task.id, why="the old quote lapsed", say=say, closes=False, awaiting="confirm")
                for say in lapsed[-1:]
            ]
            return [*told, Confirm(task=task.id, why="read the bank's figures back", say=result)]
        return self._answered(task, result)

    def _fraud(self, task: Task, steps: Sequence[Step]) -> list[Decision]:
        """What to do first, in the bank's own words, and a human ahead of all others; who only asks is advised."""
        if task.act == "ask":
            return [self._answer(task, "advice", "asked about fraud, nothing has happened yet")]
        if not steps:
            why = "fraud goes before everything, for visitors too"
            return [Handoff(task=task.id, why=why, reason="fraud", priority=FRAUD_FIRST, about=FRAUD)]
        outcome = "progress" if task.act == "status" else "first_steps"
        return [
            self._answer(task, outcome, "what to do first, before anybody answers"),
            Answer(task=task.id, why="the queue's own state", say=steps[-1].result),
        ]

    def _handoff(self, task: Task, steps: Sequence[Step]) -> list[Decision]:
        if steps:
            return [Answer(task=task.id, why="the queue's own state", say=steps[-1].result)]
        open_capability = self.session.in_hand.capability if self.session.in_hand else None
        urgent = open_capability in URGENT or (self.session.last is not None and self.session.last.capability in URGENT)
        why = "the customer asked for a human"
        about = open_capability or (self.session.last.capability if self.session.last else None)
        priority = URGENT_FIRST if urgent else ASKED_FOR
        return [Handoff(task=task.id, why=why, reason="customer_request", priority=priority, about=about)]

    # -- parts of a decision ---------------------------------------------------------------

    def _act(self, task: Task, capability: Capability, step: ActionStep, why: str) -> Act:
        uses = capability.slots
        given: dict[str, Any] = {
            name: list(values) if name in uses and uses[name].many else values[0]
            for name, values in task.slots.items()
            if values
        }
        if capability.kind == "knowledge":
            given = {"question": self.understanding.text, **given, **self._hearing(task)}
        return Act(task=task.id, why=why, call=ActionCall(name=capability.name, step=step, input=given))

    def _look_up(self, task: Task, capability: Capability) -> Act:
        """What the bank has written on this very question about *capability*: its own explanation is general."""
        given = {"question": self.understanding.text, "about": capability.name, **self._hearing(task)}
        return Act(task=task.id, why="is there more on this question", call=ActionCall(name=KNOWLEDGE, input=given))

    def _hearing(self, task: Task) -> dict[str, Any]:
        """How the question was meant, for who looks an answer up."""
        return {"act": task.act, "language": self.session.language}

    def _named(self, result: Result) -> Result:
        """*result* with a label for each served capability that it offers; the others are not offered."""
        return result.model_copy(
            update={
                "choices": tuple(
                    self._option(choice.value) if choice.slot == "intent" else choice
                    for choice in result.choices
                    if choice.slot != "intent" or self._is_served(choice.value)
                )
            }
        )

    def _commit(self, task: Task, quoted: Result, why: str) -> Act:
        assert quoted.quote is not None
        call = ActionCall(
            name=task.capability, step="commit", quote_id=quoted.quote.quote_id, digest=quoted.quote.digest
        )
        return Act(task=task.id, why=why, call=call)

    def _step_up(self, task: Task, quoted: Result, why: str, *, check: bool = False) -> StepUp:
        assert quoted.quote is not None
        return StepUp(task=task.id, why=why, capability=task.capability, quote=quoted.quote, check=check)

    def _missing(self, task: Task, capability: Capability) -> str | None:
        return next((name for name, use in capability.slots.items() if use.required and not task.slots.get(name)), None)

    def _filled(self, task: Task) -> bool:
        """Whether what was being asked for has arrived: then the question is no longer open."""
        if task.awaiting in ("confirm", "code"):
            return task.quoted is None
        return bool(task.awaiting and task.slots.get(task.awaiting)) or task.awaiting == "offer"

    def _open_question(self, task: Task) -> list[Decision]:
        """What the task is waiting for, said again; a quote that has run out is left to be made anew."""
        if task.awaiting == "confirm" and task.quoted is not None and task.quoted.quote is not None:
            if task.quoted.quote.expires_at <= self.now:
                return []
            return [Confirm(task=task.id, why="still waiting for a yes", say=task.quoted)]
        if task.awaiting == "code":
            say = self._say(task, "ask_code", ())
            return [Answer(task=task.id, why="still waiting for the code", say=say, closes=False, awaiting="code")]
        if task.awaiting and task.awaiting not in ("confirm", "offer", "clarify"):
            return [self._ask(task, task.awaiting)]
        return []

    def _ask(self, task: Task, slot: str) -> Ask:
        say = self._say(task, f"ask_{slot}", self._spoken_slots(task))
        return Ask(task=task.id, why=f"{slot} is needed", slot=slot, say=say)

    def _choose(self, task: Task, result: Result) -> Ask:
        return Ask(task=task.id, why="several would fit", slot=result.choices[0].slot, say=result)

    def _say(self, task: Task, outcome: str, facts: tuple[Fact, ...], capability: str | None = None) -> Result:
        return Result(capability=capability or task.capability, outcome=outcome, facts=facts)

    def _answer(
        self, task: Task, outcome: str, why: str, facts: tuple[Fact, ...] = (), capability: str | None = None
    ) -> Answer:
        return Answer(task=task.id, why=why, say=self._say(task, outcome, facts, capability))

    def _topic(self, task: Task) -> tuple[Fact, ...]:
        return self._label(task.capability)

    def _label(self, name: str) -> tuple[Fact, ...]:
        capability = self.capabilities[name]
        zh = capability.label.get("zh", capability.zh)
        en = capability.label.get("en", capability.en)
        return (Fact.of("topic", zh, source="rule", as_of=self.now, english=en),)

    def _served(self) -> tuple[tuple[Fact, ...], ...]:
        """What customers come for most, a row each: the whole list would be too long to read."""
        return tuple(
            self._label(name)
            for name, capability in self.capabilities.items()
            if capability.status == "served" and capability.shown
        )

    def _is_served(self, name: str) -> bool:
        return name in self.capabilities and self.capabilities[name].status == "served"

    def _option(self, name: str) -> Choice:
        return Choice(slot="intent", value=name, facts=self._label(name))

    def _spoken_slots(self, task: Task) -> tuple[Fact, ...]:
        """What the customer has said so far, as facts a question may repeat."""
        currency = task.slots.get("currency")
        if not currency:
            return ()
        return (Fact.of("currency", currency[0], source="customer", as_of=self.now, kind="currency"),)
