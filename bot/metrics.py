"""What an operator watches, in Prometheus' text format; no label ever holds anything of a customer's."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""Where several server processes add up their figures; it must be set before ``prometheus_client`` is imported."""

_BUCKETS = (0.001, 0.002, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0)


class Metrics:
    """The meters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._accepted = Counter(
            "teller_messages_accepted_total", "Messages committed to the inbox.", ["channel"], registry=self._registry
        )
        self._refused = Counter(
            "teller_messages_refused_total", "Messages not taken in, by reason.", ["reason"], registry=self._registry
        )
        self._turns = Counter(
            "teller_turns_total", "Turns finished.", ["channel", "generator"], registry=self._registry
        )
        self._failures = Counter("teller_turn_failures_total", "Turns that raised.", registry=self._registry)
        self._seconds = Histogram(
            "teller_stage_seconds",
            "Time a turn spent in a stage.",
            ["stage"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._outcomes = Counter(
            "teller_outcomes_total", "What was said, by outcome.", ["capability", "outcome"], registry=self._registry
        )
        self._refusals = Counter(
            "teller_refusals_total", "Drafts refused by a gate, by rule.", ["rule"], registry=self._registry
        )
        self._waiting = Gauge(
            "teller_inbox_pending",
            "Messages accepted and not yet answered.",
            registry=self._registry,
            multiprocess_mode="mostrecent",
        )

    def accepted(self, channel: str) -> None:
        """A message was taken in."""
        self._accepted.labels(channel).inc()

    def refused(self, reason: str) -> None:
        """A message was not taken in: the inbox, its conversation or its address had too many."""
        self._refused.labels(reason).inc()

    def turn(self, channel: str, wire: dict[str, Any] | None, record: dict[str, Any], seconds: float) -> None:
        """A turn is done; *wire* is the reply as the channels carry it, ``None`` where nothing was said."""
        how = wire["how"] if wire else {}
        self._turns.labels(channel, how.get("generator", "none")).inc()
        self._seconds.labels("turn").observe(seconds)
        for stage, milliseconds in record["milliseconds"].items():
            self._seconds.labels(stage).observe(milliseconds / 1000)
        for decision in wire["decisions"] if wire else ():
            if decision["outcome"]:
                self._outcomes.labels(decision["capability"], decision["outcome"]).inc()
        for refusal in _refusals(how):
            self._refusals.labels(refusal).inc()

    def failed_turn(self) -> None:
        """A turn raised."""
        self._failures.inc()

    def exposition(self, pending: int | None) -> bytes:
        """All figures as text; *pending* is the length of the inbox now, where it is known."""
        if pending is not None:
            self._waiting.set(pending)
        if MULTIPROCESS_DIR not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def _refusals(how: dict[str, Any]) -> Iterable[str]:
    return (refusal["rule"] for refusal in how.get("refused", ()))
