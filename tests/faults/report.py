"""A run's outcome for machines (JSON) and for people (one HTML page without anything to load)."""

from __future__ import annotations

import dataclasses
import html
import json
import math
import os
import platform
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.faults.run import Outcome

PACKAGES = ("fastapi", "uvicorn", "sqlalchemy", "asyncpg", "redis", "onnxruntime", "httpx")
BARS = 24


def quantile(values: list[float], share: float) -> float:
    """The value that *share* of *values* do not exceed; 0 where there are none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def as_json(outcomes: list[Outcome]) -> dict[str, Any]:
    """The report as plain data; the worst run is the one with the most violations, then the slowest."""
    return {
        "clean": all(outcome.is_clean for outcome in outcomes),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "runs": [_run(outcome) for outcome in outcomes],
        "worst_run": outcomes.index(worst(outcomes)),
    }


def worst(outcomes: list[Outcome]) -> Outcome:
    """The run to look at first."""
    return max(outcomes, key=lambda outcome: (len(outcome.violations), quantile(outcome.reply, 0.99)))


def write(outcomes: list[Outcome], folder: Path) -> tuple[Path, Path]:
    """Write ``faults.json`` and ``faults.html`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    report = as_json(outcomes)
    machine, page = folder / "faults.json", folder / "faults.html"
    machine.write_text(json.dumps(report, ensure_ascii=False, indent=2), "utf-8")
    page.write_text(_page(report, outcomes), "utf-8")
    return machine, page


def summary(outcome: Outcome) -> str:
    """A run in a few lines, for the terminal."""
    kinds = Counter(violation.kind for violation in outcome.violations)
    lines = [
        f"{outcome.plan.database}, seed {outcome.plan.seed}: {'clean' if outcome.is_clean else 'BROKEN'}",
        f"  {outcome.acknowledged} messages acknowledged under {outcome.kills} kills in {outcome.seconds:.0f} s; "
        f"{outcome.confirmed} writes confirmed, {outcome.executed} executed, {outcome.apologies} apologies",
        f"  acknowledged p50 {quantile(outcome.acknowledge, 0.5):.3f} s, p99 {quantile(outcome.acknowledge, 0.99):.2f} s; "
        f"replied p50 {quantile(outcome.reply, 0.5):.3f} s, p99 {quantile(outcome.reply, 0.99):.2f} s, "
        f"worst {max(outcome.reply, default=0.0):.1f} s",
        f"  violations: {dict(kinds) or 'none'}; drained after {_seconds(outcome.drained)}, "
        f"every write settled after {_seconds(outcome.settled)}",
    ]
    if outcome.burst is not None:
        burst = outcome.burst
        lines.append(
            f"  bursts: {burst.messages} messages into {burst.conversations} conversations by "
            f"{outcome.plan.burst_replicas} processes in {burst.seconds:.0f} s: {burst.overlaps} overlaps, "
            f"{burst.stalls} stalls, longest wait {burst.worst:.2f} s"
        )
    lines += [f"    {each.kind} {each.where}: {each.why}" for each in outcome.violations[:20]]
    return "\n".join(lines)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _run(outcome: Outcome) -> dict[str, Any]:
    plain = dataclasses.asdict(outcome)
    for name in ("acknowledge", "reply"):
        values = plain.pop(name)
        shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
        plain[f"{name}_seconds"] = {label: round(quantile(values, share), 4) for label, share in shares.items()}
    plain["kills"] = outcome.kills
    plain["clean"] = outcome.is_clean
    plain["kills_by_place"] = dict(places(outcome))
    return plain


def places(outcome: Outcome) -> Counter[str]:
    """Kills by whom they met and where."""
    return Counter(f"{trouble.whom}: {trouble.what}" for trouble in outcome.troubles if trouble.kill)


def _page(report: dict[str, Any], outcomes: list[Outcome]) -> str:
    title = "Faults: every promise kept" if report["clean"] else "Faults: promises broken"
    packages = ", ".join(f"{name} {number}" for name, number in report["packages"].items())
    body = "".join(_section(outcome, outcome is worst(outcomes) and len(outcomes) > 1) for outcome in outcomes)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2b26; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.15rem; margin-top: 2.5rem; border-top: 1px solid #c9d6d0; padding-top: 1rem; }}
table {{ border-collapse: collapse; }} td, th {{ text-align: left; padding: .15rem 1.2rem .15rem 0; vertical-align: top; }}
td.n {{ text-align: right; font-variant-numeric: tabular-nums; }}
.bad {{ color: #a3231a; font-weight: 600; }} .good {{ color: #1d6b45; font-weight: 600; }}
figure {{ display: inline-block; margin: 0 2rem 1rem 0; }} figcaption {{ font-size: .85rem; }} svg text {{ font-size: 10px; fill: #4a5a54; }}
</style></head><body><h1>{title}</h1>
<p>{report["cores"]} cores, load {report["load_average"]:.1f} at the end, {len(outcomes)} run(s), Python {report["python"]},
{html.escape(packages)}.</p>{body}</body></html>
"""


def _section(outcome: Outcome, is_worst: bool) -> str:
    verdict = '<span class="good">clean</span>' if outcome.is_clean else '<span class="bad">broken</span>'
    figures = {
        "Messages acknowledged": outcome.acknowledged,
        "Kills": outcome.kills,
        "Troubles in all": len(outcome.troubles),
        "Writes confirmed": outcome.confirmed,
        "Writes executed": outcome.executed,
        "Commits the bank failed": ", ".join(f"{name} {count}" for name, count in outcome.bank_faults.items())
        or "none",
        "Turns begun again": outcome.repeated,
        "Apologies": outcome.apologies,
        "Asked to come again (429)": outcome.refused,
        "Requests unanswered": outcome.unreachable,
        "Trouble lasted": _seconds(outcome.seconds),
        "Queue drained after": _seconds(outcome.drained),
        "Every write settled after": _seconds(outcome.settled),
    }
    if (burst := outcome.burst) is not None:
        figures["Bursts"] = (
            f"{burst.messages} messages, {burst.conversations} conversations, {outcome.plan.burst_replicas} processes, "
            f"{burst.seconds:.0f} s: {burst.overlaps} overlaps, {burst.stalls} stalls, "
            f"longest wait {burst.worst:.2f} s, longest acknowledgement {burst.worst_acknowledge:.2f} s"
        )
    rows = "".join(f"<tr><th>{name}</th><td>{html.escape(str(value))}</td></tr>" for name, value in figures.items())
    broken = "".join(
        f"<li><b>{each.kind}</b> {html.escape(each.where)}: {html.escape(each.why)}</li>"
        for each in outcome.violations[:200]
    )
    slow = "".join(f"<li>{html.escape(line)}</li>" for line in outcome.slowest)
    mark = ", the worst run" if is_worst else ""
    return f"""<h2>{outcome.plan.database}, seed {outcome.plan.seed}: {verdict}{mark}</h2><table>{rows}</table>
<h3>Violations</h3>{f"<ul>{broken}</ul>" if broken else "<p>None.</p>"}
<h3>Latency</h3>{_histogram("Acknowledged", outcome.acknowledge)}{_histogram("Replied", outcome.reply)}
<p>Slowest replies:</p><ul>{slow}</ul>
<h3>Kills by place</h3>{_bars(places(outcome))}"""


def _histogram(label: str, values: list[float]) -> str:
    """Bars over a logarithmic axis from a millisecond to a minute and a half."""
    if not values:
        return ""
    low, high = math.log10(0.001), math.log10(100.0)
    counts = [0] * BARS
    for value in values:
        place = (math.log10(max(value, 0.001)) - low) / (high - low)
        counts[min(BARS - 1, max(0, int(place * BARS)))] += 1
    most = max(counts)
    bars = "".join(
        f'<rect x="{index * 16}" y="{120 - 110 * count / most:.1f}" width="14" height="{110 * count / most:.1f}" fill="#2f7d5b">'
        f"<title>{count}</title></rect>"
        for index, count in enumerate(counts)
    )
    step = BARS * 16 / (high - low)
    ticks = "".join(
        f'<text x="{index * step:.0f}" y="134">{text}</text>'
        for index, text in enumerate(("1 ms", "10 ms", "0.1 s", "1 s", "10 s"))
    )
    told = ", ".join(f"{name} {quantile(values, share):.3f} s" for name, share in (("p50", 0.5), ("p99", 0.99)))
    return (
        f'<figure><svg viewBox="0 0 {BARS * 16} 140" width="{BARS * 16}" height="140" role="img">{bars}{ticks}</svg>'
        f"<figcaption>{label}: {len(values)} messages, {told}, worst {max(values):.2f} s</figcaption></figure>"
    )


def _bars(counts: Counter[str]) -> str:
    most = max(counts.values(), default=1)
    rows = "".join(
        f'<tr><td>{html.escape(name)}</td><td class="n">{count}</td><td><svg width="{240 * count / most:.0f}" height="10">'
        f'<rect width="100%" height="10" fill="#2f7d5b"/></svg></td></tr>'
        for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    return f"<table>{rows}</table>"
