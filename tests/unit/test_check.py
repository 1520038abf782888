"""``teller check`` passes on the house as it is, and names each part that is taken away."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import responses.check
from bot import check
from responses import library


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The capabilities whose wording is held to the gates: all would take seconds, and the test names those it spoils."""
    named: list[str] = []
    whole = responses.check.check_wording

    def some(capability: str, *given: Any) -> Iterator[str]:
        return whole(capability, *given) if capability in named else iter(())

    monkeypatch.setattr(responses.check, "check_wording", some)
    return named


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[str]) -> Path:
    """A copy of the templates that may be spoiled before they are looked at."""
    copy = tmp_path / "templates"
    shutil.copytree(library.TEMPLATES, copy)
    monkeypatch.setattr(responses.check, "library", lambda: library.library(copy))
    return copy


@pytest.fixture
def unread_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates are not looked at: that takes a second, and this test is about another part."""
    monkeypatch.setattr(check, "check_templates", lambda known: [])


def test_nothing_is_missing() -> None:
    report = check.inspect()
    assert report.problems == ()
    assert report.served == report.stories
    assert "all parts there" in report.summary()


def test_a_template_file_that_is_gone_is_named(templates: Path) -> None:
    (templates / "card_bill.yml").unlink()
    report = check.inspect()
    assert any(problem.startswith("card_bill.settled") for problem in report.problems)
    assert "missing or wrong" in report.summary()


def test_an_outcome_without_a_template_is_named(templates: Path) -> None:
    file = templates / "fx_buy.yml"
    raw = yaml.safe_load(file.read_text("utf-8"))
    del raw["outcomes"]["over_quota"]
    file.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    assert "fx_buy.over_quota: no template" in check.inspect().problems


def test_a_template_that_a_gate_refuses_is_named(templates: Path, read: list[str]) -> None:
    read.append("fx_quota")
    file = templates / "fx_quota.yml"
    raw = yaml.safe_load(file.read_text("utf-8"))
    raw["outcomes"]["found"]["zh"].append("放心，我们保证收益，额度还剩{purchase_left}。")
    file.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    assert any(problem.startswith("fx_quota.found (zh)") for problem in check.inspect().problems)


@pytest.mark.usefixtures("unread_templates")
def test_a_capability_without_a_conversation_test_is_named(tmp_path: Path) -> None:
    shutil.copytree(check.STORIES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "branch.yml").unlink()
    assert "branch: no conversation test, tests/conversations/branch.yml" in check.inspect(tmp_path).problems


@pytest.mark.usefixtures("unread_templates")
def test_an_installation_without_the_tests_is_not_blamed_for_it(tmp_path: Path) -> None:
    report = check.inspect(tmp_path / "nowhere")
    assert (report.problems, report.stories) == ((), 0)


@pytest.mark.usefixtures("unread_templates")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda registry: registry.pop("fx_rate"), "fx_rate: no action"),
        (lambda registry: registry.update(fx_rate=registry["fx_quote"]), "fx_rate: the catalogue names"),
        (lambda registry: registry.update(unheard_of=registry["fx_buy"]), "unheard_of: an action that no served"),
    ],
    ids=["missing", "another", "unserved"],
)
def test_an_action_that_does_not_fit_the_catalogue_is_named(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, object]], object], named: str
) -> None:
    registry = dict(check.BY_NAME)
    change(registry)  # type: ignore[arg-type]
    monkeypatch.setattr(check, "BY_NAME", registry)
    assert any(problem.startswith(named) for problem in check.inspect().problems)
