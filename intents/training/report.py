"""A benchmark's figures as one HTML page that needs nothing else: tables, and the confusions as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_SHOWN = ("accuracy", "micro_f1", "macro_f1", "slot_f1", "sentence", "oos_auroc", "oos_recall", "ece")
_COSTS = ("p50_ms", "p99_ms", "megabytes", "train_seconds")
_CELL = 14
_LARGEST = 60
"""Intents a picture of confusions has room for: those that are confused most."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b2733; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { padding: .3rem .8rem; border-bottom: 1px solid #d5dce3; text-align: right; }
th:first-child, td:first-child { text-align: left; } caption { text-align: left; color: #51606e; }
svg text { font: 10px system-ui, sans-serif; fill: #33414e; } .best { font-weight: 600; }
"""


def page(title: str, report: Mapping[str, Any]) -> str:
    """The report of ``bench.bench`` as HTML."""
    models: Mapping[str, Any] = report["models"]
    about = {name: value for name, value in report.items() if name not in ("models", "settings")}
    pictures = "".join(
        f"<h2>What {escape(name)} confuses</h2>{picture(figures['confusions'])}{_worst(figures['confusions'])}"
        for name, figures in models.items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>{_pairs(about)}{_table(models, _SHOWN, 'Shares of the messages; higher is better but for ece')}"
        f"{_table(models, _COSTS, 'What it costs: milliseconds a message on one thread, and the training')}{pictures}</html>\n"
    )


def picture(confusions: Sequence[Sequence[Any]]) -> str:
    """An SVG matrix, right intents down and told ones across, darker where the two are confused more often."""
    weight: dict[str, int] = {}
    for right, said, count in confusions:
        weight[right] = weight.get(right, 0) + count
        weight[said] = weight.get(said, 0) + count
    names = sorted(sorted(weight, key=lambda name: -weight[name])[:_LARGEST])
    if not names:
        return "<p>Nothing is confused.</p>"
    place = {name: at for at, name in enumerate(names)}
    most = max(count for _, _, count in confusions)
    left, top, size = 190, 150, _CELL * len(names)
    parts = [
        f'<rect x="{left}" y="{top}" width="{size}" height="{size}" fill="#f4f6f8" stroke="#d5dce3"/>',
        *(
            f'<text x="{left - 6}" y="{top + _CELL * at + 11}" text-anchor="end">{escape(name)}</text>'
            f'<text transform="translate({left + _CELL * at + 11} {top - 6}) rotate(-60)">{escape(name)}</text>'
            for name, at in place.items()
        ),
        *(
            f'<rect x="{left + _CELL * place[said]}" y="{top + _CELL * place[right]}" width="{_CELL}" height="{_CELL}" '
            f'fill="#b3261e" fill-opacity="{0.2 + 0.8 * count / most:.2f}"><title>{escape(right)} told as {escape(said)}: {count}</title></rect>'
            for right, said, count in confusions
            if right in place and said in place
        ),
    ]
    box = f"0 0 {left + size + 120} {top + size + 10}"
    return f'<svg role="img" aria-label="confusions" viewBox="{box}" width="{left + size + 120}">{"".join(parts)}</svg>'


def _worst(confusions: Sequence[Sequence[Any]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(right)}</td><td>{escape(said)}</td><td>{count}</td></tr>"
        for right, said, count in confusions[:15]
    )
    return f"<table><tr><th>right</th><th>told</th><th>messages</th></tr>{rows}</table>" if rows else ""


def _pairs(about: Mapping[str, Any]) -> str:
    return "<p>" + ", ".join(f"{escape(name)} {escape(str(value))}" for name, value in about.items()) + "</p>"


def _table(models: Mapping[str, Any], columns: Sequence[str], caption: str) -> str:
    used = [name for name in columns if any(name in figures for figures in models.values())]
    head = "".join(f"<th>{name}</th>" for name in used)
    body = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(_value(figures, models, column) for column in used)}</tr>"
        for name, figures in models.items()
    )
    return f"<table><caption>{caption}</caption><tr><th>model</th>{head}</tr>{body}</table>"


def _value(figures: Mapping[str, Any], models: Mapping[str, Any], column: str) -> str:
    if column not in figures:
        return "<td>–</td>"
    value = figures[column]
    rivals = [other[column] for other in models.values() if column in other]
    best = value == (min(rivals) if column in ("ece", *_COSTS) else max(rivals))
    said = f"{100 * value:.1f} %" if column in _SHOWN else f"{value:,}"
    return f'<td class="best">{said}</td>' if best else f"<td>{said}</td>"
