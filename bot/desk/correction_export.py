"""Approved corrections as training data: examples in the catalogue's form, rows for ``teller train``, better replies."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.desk.corrections import Correction
from bot.hiding import hide
from intents.capability import parse_example
from intents.tagging import Spans
from intents.understanding import Act, Language


def catalogue_form(corrections: Sequence[Correction]) -> str:
    """YAML: a capability by its name, and under ``examples`` the lines to add to its file, by language and act.

    What a line cannot say (two intents, a line break, a text that reads like a mark) is in the rows alone; a comment
    at the end counts those.
    """
    lines: dict[str, dict[Language, dict[Act, list[str]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    left = 0
    for correction in _meanings(corrections):
        meaning = correction.meaning
        assert meaning is not None
        try:
            if len(meaning.intents) > 1:
                raise ValueError("two intents")
            line = marked(meaning.text, meaning.slots)
        except ValueError:
            left += 1
            continue
        lines[meaning.intents[0]][correction.language][meaning.act].append(line)
    return "".join(_written(lines)) + (
        f"# {left} more say what one line cannot: they are in the rows.\n" if left else ""
    )


def _written(lines: Mapping[str, Mapping[Language, Mapping[Act, Sequence[str]]]]) -> Iterator[str]:
    for name, languages in sorted(lines.items()):
        yield f"{name}:\n  examples:\n"
        for language, acts in sorted(languages.items(), reverse=True):
            yield f"    {language}:\n"
            for act, examples in sorted(acts.items()):
                yield f"      {act}: |\n" + "".join(f"        {line}\n" for line in dict.fromkeys(examples))


def training_rows(corrections: Sequence[Correction]) -> str:
    """JSON lines as ``teller train --data`` reads them, each with the ``id`` of its correction."""
    return "".join(_json(_row(correction)) for correction in _meanings(corrections))


def better_replies(corrections: Sequence[Correction]) -> str:
    """JSON lines for whoever writes templates and pairs: what was said and what should have been, facts as ``{name}``."""
    return "".join(_json(_reply(correction)) for correction in corrections if correction.reply is not None)


FORMS: Mapping[str, Callable[[Sequence[Correction]], str]] = {
    "catalogue": catalogue_form,
    "rows": training_rows,
    "replies": better_replies,
}
ENDINGS = {"catalogue": "yml", "rows": "jsonl", "replies": "jsonl"}


def marked(text: str, slots: Spans) -> str:
    """*text* as a line of the catalogue, ``- 换[五百](amount)``; ``ValueError`` where it would not be read back so."""
    line = f"- {with_marks(text, slots)}"
    read = parse_example(line, "zh", "ask")
    if (read.text, read.spans) != (text, tuple(slots)) or len(line.splitlines()) != 1:
        raise ValueError(f"no line says {text!r}")
    return line


def with_marks(text: str, slots: Spans) -> str:
    """*text* with its slots marked as the catalogue marks them."""
    out, last = "", 0
    for start, end, slot in slots:
        out += f"{text[last:start]}[{text[start:end]}]({slot})"
        last = end
    return out + text[last:]


def _meanings(corrections: Sequence[Correction]) -> Iterator[Correction]:
    return (correction for correction in corrections if correction.meaning is not None)


def _row(correction: Correction) -> dict[str, Any]:
    meaning = correction.meaning
    assert meaning is not None
    return {
        "id": correction.id,
        "text": meaning.text,
        "lang": correction.language,
        "intents": list(meaning.intents),
        "act": meaning.act,
        "slots": [
            {"start": start, "end": end, "slot": slot, "value": meaning.text[start:end]}
            for start, end, slot in meaning.slots
        ],
    }


def _reply(correction: Correction) -> dict[str, Any]:
    was = correction.was
    return {
        "id": correction.id,
        "said": was["said"],
        "lang": correction.language,
        "channel": was["channel"],
        "customer": hide(correction.text),
        "given": was["given"],
        "was": was["reply"],
        "reply": correction.reply,
    }


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
