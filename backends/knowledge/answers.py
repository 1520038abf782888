"""The bank's written answers: one YAML list an intent under ``answers/``, checked when they are read.

An answer states no figure of its own. ``{rule_id}`` in its text is a rule of ``backends/rules.yml``, said as it stands
on the day of the reply; what a backend knows of a customer or a market is that backend's to say.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, StringConstraints, field_validator, model_validator

from backends.result import Frozen

ANSWERS = Path(__file__).with_name("answers")
Act = Literal["ask", "do", "status"]
Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Questions = Annotated[tuple[Text, ...], Field(min_length=2)]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: some hundred kilobytes are read in a tenth of the time."""
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_MARKS = re.compile(r"[{}⟦⟧]|\[\[|\]\]")


class Bilingual(Frozen):
    """One text in each language."""

    zh: Text
    en: Text

    def __getitem__(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class Wordings(Frozen):
    """Ways to ask, in each language."""

    zh: Questions
    en: Questions

    def __getitem__(self, language: Language) -> tuple[str, ...]:
        return self.zh if language == "zh" else self.en


class Answer(Frozen):
    """One answer: who vouches for it (``source``, ``owner``), from when to when it holds, and how people ask for it.

    ``id`` is ``<intent>.<slug>``; ``acts`` are those it is meant for; ``links`` are capabilities offered beside it.
    """

    id: str
    intent: str
    acts: tuple[Act, ...] = ("ask",)
    questions: Wordings
    answer: Bilingual
    source: Bilingual
    owner: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2)]
    effective_from: dt.date
    effective_to: dt.date | None = None
    reviewed_on: dt.date
    links: tuple[str, ...] = ()

    @field_validator("answer")
    @classmethod
    def _only_names_in_braces(cls, answer: Bilingual) -> Bilingual:
        for language in LANGUAGES:
            if _MARKS.search(_PLACEHOLDER.sub("", answer[language])):
                raise ValueError(f"a broken placeholder ({language})")
        if rules_in(answer.zh) != rules_in(answer.en):
            raise ValueError(f"zh states {sorted(rules_in(answer.zh))}, en states {sorted(rules_in(answer.en))}")
        return answer

    @model_validator(mode="after")
    def _is_consistent(self) -> Answer:
        if not re.fullmatch(rf"{self.intent}\.[a-z0-9_]+", self.id):
            raise ValueError(f"{self.id!r} is not {self.intent}.<slug>")
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise ValueError(f"{self.id} ends before it begins")
        return self

    @property
    def rule_ids(self) -> frozenset[str]:
        """The rules whose values the answer states."""
        return rules_in(self.answer.zh)

    def holds_on(self, day: dt.date) -> bool:
        """Whether the answer is in force on *day*."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


def rules_in(text: str) -> frozenset[str]:
    """The ids of the rules that *text* names in braces."""
    return frozenset(_PLACEHOLDER.findall(text))


def pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """The words of *text* in order, each with the rule that is named behind them; the last with none."""
    last = 0
    for match in _PLACEHOLDER.finditer(text):
        yield text[last : match.start()], match[1]
        last = match.end()
    yield text[last:], None


def words_of(text: str) -> str:
    """*text* without the rules it names."""
    return _PLACEHOLDER.sub(" ", text)


def read_answers(folder: Path = ANSWERS) -> tuple[Answer, ...]:
    """Every answer of *folder*, in the order of its files; ``ValueError`` names the file and what is wrong in it."""
    found: dict[str, Answer] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            answers = [Answer.model_validate(entry) for entry in yaml.load(path.read_text("utf-8"), _LOADER)]  # noqa: S506
        except (ValueError, TypeError, yaml.YAMLError) as error:
            raise ValueError(f"{path.name}: {error}") from error
        for answer in answers:
            if answer.intent != path.stem:
                raise ValueError(f"{path.name}: {answer.id} belongs to {answer.intent}")
            if answer.id in found:
                raise ValueError(f"{path.name}: {answer.id} is there twice")
            found[answer.id] = answer
    return tuple(found.values())


@cache
def answers() -> tuple[Answer, ...]:
    """The bank's own answers, read once."""
    return read_answers()
