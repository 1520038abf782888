"""A replay's report in files: JSON for programs, and one HTML page that needs nothing else. Personal data is masked."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from bot.hiding import hide as hidden
from bot.replay import FIELDS, Change, Report, Seen
from intents.training.report import picture
from responses.mask import Vault

MOST = 500
"""Turns that the page shows; the JSON file has all of them."""
_LABELS = {"intents": "Intent", "act": "Act", "slots": "Slots", "decisions": "Decisions", "reply": "Reply"}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1b2733; background: #fff; }
table { border-collapse: collapse; margin: .5rem 0 1rem; width: 100%; table-layout: fixed; }
table.figures { width: auto; table-layout: auto; }
th, td { padding: .35rem .8rem; border-bottom: 1px solid #d5dce3; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
article th:first-child { width: 7rem; } article { margin: 2rem 0; border-top: 2px solid #8797a6; }
tr.changed td { background: #fdf3e3; } tr.changed th { color: #8a4b00; } td div { white-space: pre-line; }
blockquote { margin: .5rem 0; padding: .4rem .9rem; background: #eef2f6; border-radius: .4rem; white-space: pre-line; }
ins { background: #d9f0dc; text-decoration: none; } del { background: #f9d9d6; } small, .muted { color: #51606e; }
svg text { font: 10px system-ui, sans-serif; fill: #33414e; }
"""


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write ``replay.json`` and ``replay.html`` into *folder*, readable by their owner alone; the paths of both."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = as_data(report)
    written = folder / "replay.json", folder / "replay.html"
    contents = json.dumps(data, ensure_ascii=False, indent=1) + "\n", page(data)
    for path, content in zip(written, contents, strict=True):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(content)
    return written


def as_data(report: Report) -> dict[str, Any]:
    """The report as JSON: the summary, and every turn that changed with what was and what would be."""
    return {**report.summary(), "turns": [_turn(change) for change in report.changes]}


def page(data: Mapping[str, Any]) -> str:
    """The HTML page of what ``as_data`` gives."""
    title = f"Replay with {data['release']}"
    # What is understood or done otherwise comes before what is only said otherwise.
    ranked = sorted(data["turns"], key=lambda turn: turn["changed"] == ["reply"])
    turns = "".join(map(_article, ranked[:MOST]))
    more = len(data["turns"]) - MOST
    if more > 0:
        turns += f'<p class="muted">{more} more turns are in replay.json.</p>'
    confusions = ""
    if data["confusions"]:
        confusions = f"<h2>Intents that changed</h2>{picture(data['confusions'])}{_confused(data['confusions'])}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>{_figures(data)}{confusions}<h2>Turns that changed</h2>"
        f"{turns or '<p>None: every turn went as it was recorded.</p>'}</html>\n"
    )


def _turn(change: Change) -> dict[str, Any]:
    hide = partial(hidden, vault=Vault(), names=change.names)
    return {
        "conversation_id": change.conversation_id,
        "seq": change.seq,
        "at": change.at.isoformat(),
        "text": hide(change.text),
        "changed": list(change.fields),
        "recorded": _masked(change.recorded, hide),
        "replayed": _masked(change.replayed, hide),
    }


def _masked(seen: Seen, hide: Callable[[str], str]) -> dict[str, Any]:
    return {
        "intents": [[intent["name"], intent["confidence"]] for intent in seen.intents],
        "act": seen.act,
        "slots": [_slot(slot, hide(slot["value"])) for slot in seen.slots],
        "decisions": [hide(line) for line in seen.decisions],
        "reply": None if seen.reply is None else hide(seen.reply),
        "unrecorded": [hide(line) for line in seen.unrecorded],
        "failure": seen.failure,
    }


def _slot(slot: Mapping[str, Any], words: str) -> str:
    """A slot in words; the canonical value is told only where it shows no more than they do."""
    read = slot["normalized"] if words == slot["value"] else words
    return f"{slot['slot']} “{words}” → {read}"


def _figures(data: Mapping[str, Any]) -> str:
    rows = [
        ("Recorded with", ", ".join(f"{name} ({count})" for name, count in data["recorded_with"].items()) or "-"),
        ("Conversations", data["conversations"]),
        ("Turns replayed", data["replayed"]),
        *((f"Not replayed: {reason}", count) for reason, count in data["skipped"].items()),
        ("Turns changed", f"{data['changed']} ({data['share']:.2%})"),
        *((f"… in {name}", data["changed_in"][name]) for name in FIELDS if data["changed_in"][name]),
        ("Turns whose reply nobody can tell", data["unrecorded"]),
    ]
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in rows)
    return (
        f'<table class="figures">{cells}</table><p class="muted">Every turn starts from what was recorded before it. No bank '
        "system is asked: where the release asks for what was not asked then, the answer is not known.</p>"
    )


def _confused(confusions: Sequence[Sequence[Any]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(was)}</td><td>{escape(now)}</td><td>{count}</td></tr>" for was, now, count in confusions
    )
    return f'<table class="figures"><tr><th>recorded</th><th>replayed</th><th>turns</th></tr>{rows}</table>'


def _article(turn: Mapping[str, Any]) -> str:
    before, after = turn["recorded"], turn["replayed"]
    rows = "".join(_row(name, turn, *_cells(name, before, after)) for name in _LABELS)
    if after["failure"]:
        rows += f"<tr class='changed'><th>Failure</th><td></td><td>{escape(after['failure'])}</td></tr>"
    return (
        f"<article><h3>{escape(turn['conversation_id'])} · {turn['seq']} <small>{escape(turn['at'])}</small></h3>"
        f"<blockquote>{escape(turn['text'])}</blockquote>"
        f"<table><tr><th></th><th>recorded</th><th>replayed</th></tr>{rows}</table></article>"
    )


def _row(name: str, turn: Mapping[str, Any], before: str, after: str) -> str:
    marked = ' class="changed"' if name in turn["changed"] else ""
    return f"<tr{marked}><th>{_LABELS[name]}</th><td><div>{before}</div></td><td><div>{after}</div></td></tr>"


def _cells(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str]:
    if name == "reply":
        if after["unrecorded"]:
            asked = escape("; ".join(after["unrecorded"]))
            return escape(before["reply"] or "-"), f"<i>not known: nothing was recorded for {asked}</i>"
        return _compared(before["reply"] or "", after["reply"] or "")
    if name == "intents":
        return tuple(escape("\n".join(f"{n} {c:.2f}" for n, c in seen[name])) or "-" for seen in (before, after))  # type: ignore[return-value]
    told = (seen[name] if isinstance(seen[name], str) else "\n".join(seen[name]) for seen in (before, after))
    return tuple(escape(text) or "-" for text in told)  # type: ignore[return-value]


def _compared(before: str, after: str) -> tuple[str, str]:
    """Both texts, with what one has alone marked in it."""
    left, right = "", ""
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        old, new = escape(before[a:b]), escape(after[c:d])
        left += old if kind == "equal" or not old else f"<del>{old}</del>"
        right += new if kind == "equal" or not new else f"<ins>{new}</ins>"
    return left or "-", right or "-"
