"""How well a release understands labelled messages: ``python -m intents.evaluate FILE`` prints the figures as JSON."""

from __future__ import annotations

import datetime as dt
import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from intents.figures import calibration_noise, expected_calibration_error, micro_f1
from intents.scorer import OUT_OF_SCOPE, RELEASE
from intents.serve import Understander
from intents.understanding import Context

TODAY = dt.date(2026, 6, 1)
"""A fixed day, so that figures do not change with the calendar; no figure depends on which."""


def evaluate(path: Path, release: Path = RELEASE) -> dict[str, Any]:
    """Figures of *release* on the rows of *path*.

    A row is ``{"text", "intent" or "intents", "slots": [{"start", "end", "slot"}]}``, optionally with ``also`` (a second
    acceptable intent) and ``clear``. A message counts as right where the first reported intent is ``intent``;
    ``intent_also`` counts ``also`` as right too. Slots are exact spans, micro-averaged.
    """
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    understander = Understander(release)
    said = []
    seconds = []
    for row in rows:
        began = time.perf_counter()
        said.append(understander.understand(row["text"], Context(today=TODAY)))
        seconds.append(time.perf_counter() - began)
    gold = [row.get("intent") or row["intents"][0] for row in rows]
    right = [understood.top == intent for understood, intent in zip(said, gold, strict=True)]
    either = [
        understood.top in (intent, row.get("also")) for understood, intent, row in zip(said, gold, rows, strict=True)
    ]
    clear = [at for at, row in enumerate(rows) if row.get("clear", True)]
    precision, recall, f1 = micro_f1(
        (
            {(slot.start, slot.end, slot.slot) for slot in understood.slots},
            {(slot["start"], slot["end"], slot["slot"]) for slot in row["slots"]},
        )
        for understood, row in zip(said, rows, strict=True)
    )
    sure = [understood.intents[0].confidence for understood in said]
    outside = [intent == OUT_OF_SCOPE for intent in gold]
    refused = [not understood.in_scope for understood in said]
    caught = sum(out and no for out, no in zip(outside, refused, strict=True))
    confusions = Counter(
        (intent, understood.top) for intent, understood in zip(gold, said, strict=True) if intent != understood.top
    )
    return {
        "release": understander.release,
        "rows": len(rows),
        "intent_accuracy": _share(right),
        "intent_accuracy_clear": _share([right[at] for at in clear]),
        "intent_also": _share(either),
        "intent_also_clear": _share([either[at] for at in clear]),
        "top3": _share([intent in [score.name for score in understood.ranking[:3]] for understood, intent in zip(said, gold, strict=True)]),
        "two_intents_told": sum(len(understood.intents) == 2 for understood in said),
        "slot_precision": round(precision, 4),
        "slot_recall": round(recall, 4),
        "slot_f1": round(f1, 4),
        "ece": round(expected_calibration_error(sure, right), 4),
        "ece_of_a_calibrated_model": [round(error, 4) for error in calibration_noise(sure)],
        "oos_recall": round(caught / max(1, sum(outside)), 4),
        "oos_precision": round(caught / max(1, sum(refused)), 4),
        "p50_ms": round(1000 * statistics.median(seconds), 3),
        "p99_ms": round(1000 * sorted(seconds)[int(0.99 * (len(seconds) - 1))], 3),
        "confusions": [[*pair, count] for pair, count in confusions.most_common(20)],
    }  # fmt: skip


def _share(right: list[bool]) -> float:
    return round(sum(right) / max(1, len(right)), 4)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(evaluate(Path(sys.argv[1])), ensure_ascii=False, indent=1) + "\n")
