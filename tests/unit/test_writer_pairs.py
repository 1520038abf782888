"""The pairs a writer is to learn from: each can be filled, states every fact once, and no figure of its own."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from responses.library import TemplateError, parse, wording
from responses.writer.pairs import Pair, pairs

_FACT = re.compile(r"\{([a-z_]+)\}")
_MASKED = re.compile(r"⟦[A-Z]+_[0-9]+⟧")
_FIGURE = re.compile(r"[0-9０-９%％]")


def test_every_pair_states_each_of_its_facts_exactly_once() -> None:
    wrong = [pair.reply for pair in pairs() if Counter(_FACT.findall(pair.reply)) != Counter(pair.given)]
    assert wrong == []


def test_every_pair_belongs_to_an_outcome_that_can_be_said_with_its_facts() -> None:
    wrong = []
    for pair in pairs():
        try:
            said = wording(pair.capability, pair.outcome)
        except TemplateError:
            wrong.append((pair.capability, pair.outcome))
            continue
        known = {name for _, template in said.templates() for part in parse(template) for name in part.names}
        if not set(pair.given) <= known | {"honorific", "rows"}:
            wrong.append((pair.capability, pair.outcome, tuple(set(pair.given) - known)))
    assert wrong == []


def test_no_pair_states_a_figure_of_its_own() -> None:
    assert [pair.reply for pair in pairs() if _FIGURE.search(_MASKED.sub("", _FACT.sub("", pair.reply)))] == []


def test_no_two_replies_are_alike_and_both_languages_are_there() -> None:
    assert len({pair.reply for pair in pairs()}) == len(pairs())
    shares = Counter(pair.lang for pair in pairs())
    assert min(shares["zh"], shares["en"]) > len(pairs()) / 6


def test_what_is_not_a_pair_is_refused_with_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="mood"):
        Pair.model_validate({"capability": "card_bill", "outcome": "found", "lang": "zh", "mood": "sad"})


def test_replies_for_everybody_are_read_from_plain_text(tmp_path: Path) -> None:
    (tmp_path / "recited").mkdir()
    file = tmp_path / "recited" / "card_bill.txt"
    file.write_text(
        "# card_bill.found zh\ncalm warm | 还需还{remaining_due}。\\n{rows}\n\n# card_bill.no_card en\nangry brief | None.\n",
        "utf-8",
    )
    one, other = pairs(tmp_path)
    assert (one.reply, one.given, one.recited, one.customer) == (
        "还需还{remaining_due}。\n{rows}",
        ("remaining_due", "rows"),
        True,
        "",
    )
    assert (other.outcome, other.lang, other.mood, other.tone) == ("no_card", "en", "angry", "brief")


@pytest.mark.parametrize(
    ("line", "says"), [("calm warm 还需还。", "neither a heading nor a reply"), ("sad warm | 还需还。", "mood")]
)
def test_what_is_no_reply_is_told_with_its_file_and_line(line: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "recited").mkdir()
    (tmp_path / "recited" / "card_bill.txt").write_text(f"# card_bill.found zh\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match=rf"(?s)card_bill.txt, line 2: .*{says}"):
        pairs(tmp_path)


def test_a_reply_before_any_heading_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recited").mkdir()
    (tmp_path / "recited" / "card_bill.txt").write_text("calm warm | 还需还。\n", "utf-8")
    with pytest.raises(ValueError, match="capability"):
        pairs(tmp_path)
