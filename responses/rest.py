"""How a reply ends whose beginning was said in other words: by the template's sentences, less what was said already."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from responses.draft import PLACEHOLDER, Draft, Span, required
from responses.gates.refusal import Refusal
from responses.reply import Evidence, Language
from responses.sentences import split

REPEATS = frozenset({"placeholder_doubled"})
"""What the rest of a reply may break where its figures cannot be told apart from those that were said."""
ALIKE = 0.34
"""Share of a sentence's pairs of characters from which it counts as said."""
_CLAUSE = re.compile(r"(?<=[，；,;])\s*")
_OPENS, _CLOSES = "（(“「", "）)”」"


def rest_of(draft: Draft, said: str, check: Callable[[str], Sequence[Refusal]], language: Language) -> str:
    """What the template *draft* still has to say after *said* (with placeholders); empty where that is nothing.

    The shortest way that passes every gate is taken: clauses, then sentences; where neither does, the whole template.
    """
    for whole in (False, True):
        left = "".join(_unsaid(draft.text, said, whole=whole)).strip()
        if not left:
            return ""
        allowed = REPEATS if whole else frozenset()
        if all(refusal.rule in allowed for refusal in check(behind(said, left, language))):
            return left
    return draft.text


def behind(said: str, left: str, language: Language) -> str:
    """*left* behind *said*, with the space that the language wants between sentences."""
    gap = "" if language == "zh" or not said or said[-1].isspace() else " "
    return f"{said}{gap}{left}" if left else said


def retold(draft: Draft, text: str, evidence: Sequence[Evidence]) -> str | None:
    """*text*, which was said with figures in it, with the placeholders of *draft*; ``None`` where a figure is another now."""
    known = {(span.start, span.end, span.name, span.value, span.unit) for span in evidence}
    found: list[tuple[int, int, str]] = []
    for token, filler in sorted(draft.fillers.items(), key=lambda item: -len(item[1].text)):
        for match in re.finditer(re.escape(filler.text), text) if filler.spans else ():
            states = {_stated(span.shifted(match.start())) for span in filler.spans}
            apart = all(match.end() <= start or end <= match.start() for start, end, _ in found)
            if states <= known and apart:
                known -= states
                found.append((match.start(), match.end(), token))
    if known:
        return None
    for start, end, token in sorted(found, reverse=True):
        text = f"{text[:start]}⟦{token}⟧{text[end:]}"
    return text


def _stated(span: Span) -> tuple[int, int, str, str, str | None]:
    return (span.start, span.end, span.fact.name, span.fact.value, span.fact.unit)


def _unsaid(template: str, said: str, *, whole: bool) -> Iterator[str]:
    missing = Counter(required(template)) - Counter(required(said))
    told = len(split(said))
    for place, sentence in enumerate(split(template)):
        names = required(sentence)
        if names:
            if any(missing[name] for name in names):
                yield sentence if whole else _clauses(sentence, missing)
                missing -= Counter(names)
        elif place >= told and not is_said(sentence, said):
            yield sentence


def _clauses(sentence: str, missing: Counter[str]) -> str:
    """The clauses of *sentence* from the first that states what is missing, less those that state only what was said."""
    kept: list[str] = []
    for clause in _split_outside_brackets(sentence):
        names = required(clause)
        if any(missing[name] for name in names) or (kept and not names):
            kept.append(clause)
    text = "".join(kept)
    end = re.search(r"[。！？!?.：:]?[”’\"」』）)]*\s*\Z", sentence)
    if text and end and not text.endswith(end[0]):
        text = text.rstrip("，；,; ") + end[0]
    return text


def _split_outside_brackets(sentence: str) -> list[str]:
    found, depth, last = [], 0, 0
    for place, char in enumerate(sentence):
        depth += (char in _OPENS) - (char in _CLOSES)
        if char in "，；,;" and depth <= 0:
            found.append(sentence[last : place + 1])
            last = place + 1
    return [*found, sentence[last:]]


def is_said(sentence: str, said: str) -> bool:
    """Whether *said* has said what *sentence* does, in words that are alike."""
    pairs = _pairs(sentence)
    return not pairs or len(pairs & _pairs(said)) >= ALIKE * len(pairs)


def _pairs(text: str) -> set[str]:
    plain = re.sub(r"[\W_]+", "", PLACEHOLDER.sub("", text)).lower()
    return {plain[place : place + 2] for place in range(len(plain) - 1)}
