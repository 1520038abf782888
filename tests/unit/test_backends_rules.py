"""Rules that change carry a source and a review, and hold only within their days."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from backends import rules
from backends.rules import RULES_FILE, STANDING, overdue, read_rules, rule, standing_facts

ENTRY = {
    "rule_id": "limit",
    "kind": "money",
    "value": "50000.00",
    "unit": "USD",
    "effective_from": dt.date(2026, 1, 1),
    "citation": "某办法（2026年）第3条",
    "reviewed_on": dt.date(2026, 11, 2),
}


def written(path: Path, *entries: dict[str, object]) -> Path:
    file = path / "rules.yml"
    file.write_text(yaml.safe_dump(list(entries), allow_unicode=True), "utf-8")
    return file


def test_every_rule_of_the_bank_was_reviewed_within_a_year() -> None:
    # The one test that reads the wall clock: it fails when a review is overdue, which is what it is for.
    assert overdue(read_rules(RULES_FILE), dt.datetime.now(dt.UTC).date()) == []


@pytest.mark.parametrize("reviewed", [dt.date(2025, 11, 20), dt.date(2026, 11, 22)])
def test_a_review_more_than_a_year_ago_or_dated_ahead_is_overdue(tmp_path: Path, reviewed: dt.date) -> None:
    read = read_rules(written(tmp_path, ENTRY | {"reviewed_on": reviewed}))
    assert overdue(read, dt.date(2026, 11, 21)) == ["limit"]


@pytest.mark.parametrize("missing", ["citation", "effective_from", "reviewed_on", "value"])
def test_a_rule_without_a_source_a_day_or_a_value_cannot_be_read(tmp_path: Path, missing: str) -> None:
    entry = {name: value for name, value in ENTRY.items() if name != missing}
    with pytest.raises(ValidationError, match=missing):
        read_rules(written(tmp_path, entry))


def test_a_rule_with_an_empty_citation_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="citation"):
        read_rules(written(tmp_path, ENTRY | {"citation": ""}))


def test_a_rule_whose_value_is_not_of_its_kind_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        read_rules(written(tmp_path, ENTRY | {"value": "fifty thousand"}))


def test_a_rule_holds_from_its_first_day_to_its_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = ENTRY | {"value": "40000.00", "effective_to": dt.date(2026, 6, 30)}
    new = ENTRY | {"effective_from": dt.date(2026, 7, 1)}
    read = read_rules(written(tmp_path, old, new))
    monkeypatch.setattr(rules, "_rules", lambda: read)
    assert rule("limit", dt.date(2026, 6, 30)).value == "40000.00"
    assert rule("limit", dt.date(2026, 7, 1)).value == "50000.00"
    with pytest.raises(LookupError):
        rule("limit", dt.date(2025, 12, 31))


def test_two_rules_in_force_at_once_are_an_error_not_a_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read = read_rules(written(tmp_path, ENTRY, ENTRY | {"value": "1.00"}))
    monkeypatch.setattr(rules, "_rules", lambda: read)
    with pytest.raises(LookupError, match="2 rules"):
        rule("limit", dt.date(2026, 11, 21))


def test_what_a_reply_may_always_state_is_what_the_rules_say_today() -> None:
    now = dt.datetime(2026, 11, 21, 2, 30, tzinfo=dt.UTC)
    stated = standing_facts(now)
    assert {name: fact.value for name, fact in stated.items()} == {
        name: rule(name, now.date()).value for name in STANDING
    }
    assert {(fact.source, fact.kind, fact.as_of) for fact in stated.values()} == {("rule", "digits", now)}


def test_a_standing_rule_holds_by_the_banks_day_and_not_before_its_first() -> None:
    eve = dt.datetime(2022, 11, 30, 15, 59, tzinfo=dt.UTC)
    assert "police_line" not in standing_facts(eve)
    assert "police_line" in standing_facts(eve + dt.timedelta(minutes=1))
    assert standing_facts(dt.datetime(2019, 1, 1, tzinfo=dt.UTC)) == {}
