"""The oracle finds nothing in an honest run, and catches every kind of broken promise."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.oracle import Confirmed, Effect, Evidence, Intention, Said, Sent, Stored, judge

NOW = 1_000_000.0


def honest() -> Evidence:
    """Two messages in one conversation, the second one confirming a purchase: all as it should be."""
    return Evidence(
        sent=[
            Sent("a", "c", 0, NOW, NOW + 0.01, 1, 1),
            Sent("b", "c", 1, NOW + 1, NOW + 1.01, 3, 2),
        ],
        stored=[Stored("c", 1, "a", "done", 1), Stored("c", 3, "b", "done", 2)],
        said=[
            Said("c", 1, "customer", "message.completed", NOW, None),
            Said("c", 2, "bot", "message.completed", NOW + 0.02, 1),
            Said("c", 3, "customer", "message.completed", NOW + 1, None),
            Said("c", 4, "bot", "message.completed", NOW + 1.02, 3),
        ],
        confirmed=[Confirmed("F1 buys 10", "done")],
        intentions=[Intention("k", "q", "fx_buy", "done", NOW + 1, NOW + 1.01)],
        effects=[Effect("k", "q", True)],
        booked=Counter({"F1 buys 10": 1}),
        read_at=NOW + 100,
    )


def kinds(evidence: Evidence) -> set[str]:
    return {violation.kind for violation in judge(evidence)}


def test_an_honest_run_breaks_no_promise() -> None:
    assert judge(honest()) == []


def test_a_message_that_was_never_acknowledged_may_be_missing() -> None:
    evidence = honest()
    evidence.sent.append(Sent("x", "c", 2, NOW + 2))
    assert judge(evidence) == []


def test_messages_of_one_burst_may_be_numbered_in_any_order() -> None:
    evidence = honest()
    evidence.sent[0].seq, evidence.sent[1].seq = 3, 1
    evidence.stored = [Stored("c", 3, "a", "done", 1), Stored("c", 1, "b", "done", 1)]
    assert kinds(evidence) == {"disordered"}
    evidence.sent[1].number = 0
    assert judge(evidence) == []


def drop_from_inbox(evidence: Evidence) -> None:
    del evidence.stored[0]


def drop_reply(evidence: Evidence) -> None:
    evidence.said[3] = Said("c", 4, "bot", "handover.queued", NOW, None)


def leave_pending(evidence: Evidence) -> None:
    evidence.stored[1] = Stored("c", 3, "b", "pending", 2)


def store_twice(evidence: Evidence) -> None:
    evidence.stored.append(Stored("c", 5, "a", "done", 1))


def store_what_nobody_sent(evidence: Evidence) -> None:
    del evidence.sent[1]


def answer_twice(evidence: Evidence) -> None:
    evidence.said.append(Said("c", 5, "bot", "message.completed", NOW + 2, 3))


def answer_late(evidence: Evidence) -> None:
    evidence.said[1] = dataclasses.replace(evidence.said[1], seq=4)
    evidence.said[3] = dataclasses.replace(evidence.said[3], seq=2)


def leave_a_gap(evidence: Evidence) -> None:
    evidence.said[3] = dataclasses.replace(evidence.said[3], seq=5)


def acknowledge_another_number(evidence: Evidence) -> None:
    evidence.sent[1].seq = 4


def book_twice(evidence: Evidence) -> None:
    evidence.booked["F1 buys 10"] = 2


def book_unasked(evidence: Evidence) -> None:
    evidence.booked["F2 buys 10"] = 1


def unbalance(evidence: Evidence) -> None:
    evidence.unbalanced.append("F1-1001")


def carry_out_twice(evidence: Evidence) -> None:
    evidence.effects.append(Effect("k2", "q", True))
    evidence.intentions.append(dataclasses.replace(evidence.intentions[0], key="k2"))


def lose_the_order(evidence: Evidence) -> None:
    evidence.booked.clear()


def lose_the_effect(evidence: Evidence) -> None:
    evidence.effects = [Effect("k", "q", False)]


def book_what_was_refused(evidence: Evidence) -> None:
    evidence.confirmed = [Confirmed("F1 buys 10", "refused")]


def record_as_failed(evidence: Evidence) -> None:
    evidence.intentions[0] = dataclasses.replace(evidence.intentions[0], status="failed")


def act_without_intention(evidence: Evidence) -> None:
    evidence.intentions.clear()


def never_settle(evidence: Evidence) -> None:
    evidence.intentions[0] = dataclasses.replace(evidence.intentions[0], status="unknown")


def settle_late(evidence: Evidence) -> None:
    evidence.intentions[0] = dataclasses.replace(evidence.intentions[0], updated_at=NOW + 62)


@pytest.mark.parametrize(
    ("breaks", "kind"),
    [
        (drop_from_inbox, "lost"),
        (drop_reply, "lost"),
        (leave_pending, "lost"),
        (store_twice, "doubled"),
        (store_what_nobody_sent, "doubled"),
        (answer_twice, "doubled"),
        (answer_late, "disordered"),
        (leave_a_gap, "misnumbered"),
        (acknowledge_another_number, "misnumbered"),
        (book_twice, "effect_doubled"),
        (book_unasked, "effect_doubled"),
        (unbalance, "effect_doubled"),
        (carry_out_twice, "effect_doubled"),
        (lose_the_order, "effect_lost"),
        (lose_the_effect, "effect_lost"),
        (book_what_was_refused, "effect_untold"),
        (record_as_failed, "effect_untold"),
        (act_without_intention, "effect_untold"),
        (never_settle, "unknown"),
        (settle_late, "unknown"),
    ],
)
def test_a_broken_promise_is_caught(breaks: Callable[[Evidence], None], kind: str) -> None:
    evidence = honest()
    breaks(evidence)
    assert kind in kinds(evidence)


def test_an_unsettled_intention_has_its_sixty_seconds() -> None:
    evidence = honest()
    never_settle(evidence)
    evidence.read_at = NOW + 61
    assert judge(evidence) == []
