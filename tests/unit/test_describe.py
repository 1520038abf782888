"""The page of capabilities is written from what is served, and is the one in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.describe import page
from intents.capability import catalog

PAGE = Path(__file__).parents[2] / "docs" / "capabilities.md"


@pytest.fixture(scope="module")
def written() -> str:
    """The page as it would be written today."""
    return page()


def test_the_page_in_the_repository_is_what_would_be_written_today(written: str) -> None:
    assert PAGE.read_text("utf-8") == written, "write it anew: teller capabilities > docs/capabilities.md"


def test_every_capability_is_on_it_with_an_example_and_what_it_says(written: str) -> None:
    for name, capability in catalog().items():
        section = written.partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert "| example |" in section, name
        assert capability.backend is None or "| reply |" in section, name


def test_the_rules_of_a_capability_are_those_its_modules_name(written: str) -> None:
    section = written.partition("### fx_buy\n")[2].partition("\n### ")[0]
    assert "`fx_purchase_limit`" in section
    assert "`card_lost_fee`" not in section
