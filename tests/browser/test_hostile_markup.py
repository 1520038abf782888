"""A corpus of markup that would run, load or mislead if any part of the page took text for HTML (threat row 5)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.server import Server

pytestmark = pytest.mark.browser

CORPUS = Path(__file__).parents[1].joinpath("data/hostile_markup.txt").read_text("utf-8").splitlines()
TOGETHER = 12
"""Payloads in one message: each whole, a line of its own."""
DRAWN = """() => [...document.querySelector("teller-chat").shadowRoot.querySelectorAll(".message *")]
    .flatMap(node => [node.nodeName.toLowerCase(), ...[...node.attributes].map(a => "@" + a.name)])"""
ALLOWED = {
    *(
        "b",
        "button",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "i",
        "p",
        "path",
        "section",
        "small",
        "span",
        "summary",
        "svg",
    ),
    *("table", "tbody", "td", "th", "thead", "time", "tr"),
    *(
        "@aria-expanded",
        "@aria-hidden",
        "@aria-label",
        "@aria-pressed",
        "@class",
        "@d",
        "@datetime",
        "@hidden",
        "@role",
    ),
    *("@scope", "@style", "@tabindex", "@title", "@type", "@viewBox"),
}
"""What the widget draws messages and cards with: nothing that loads, runs or leads away."""


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The bank's page; fails the test if anything ran, asked or went anywhere that the page does not by itself."""
    context = browser.new_context(locale="zh-CN")
    opened = context.new_page()
    strange: list[str] = []
    opened.on("dialog", lambda dialog: (strange.append(f"dialog {dialog.message}"), dialog.dismiss()))
    opened.on("request", lambda request: None if request.url.startswith(server.url) else strange.append(request.url))
    opened.on("console", lambda message: strange.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: strange.append(str(error)))
    opened.on("popup", lambda popup: strange.append(f"popup {popup.url}"))
    opened.goto(server.url)
    expect(opened.locator("#customers li").first).to_be_visible()
    yield opened
    assert opened.evaluate("window.pwned") is None
    assert opened.url.rstrip("/") == server.url
    context.close()
    assert [what for what in strange if not what.startswith("data:")] == []


def send(page: Page, text: str) -> str:
    """Send *text*, wait for the answer, and return what the customer's own bubble shows."""
    answers = page.locator(".message.bot .meta")
    count = answers.count()
    page.locator(".writing textarea").fill(text)
    page.locator(".writing textarea").press("Enter")
    expect(answers).to_have_count(count + 1, timeout=15_000)
    return page.locator(".message.customer .bubble").last.inner_text()


def batches(corpus: Sequence[str]) -> Iterator[str]:
    for at in range(0, len(corpus), TOGETHER):
        yield "\n".join(corpus[at : at + TOGETHER])


def test_whatever_markup_a_customer_types_is_shown_as_typed_and_runs_nothing(page: Page) -> None:
    for text in batches(CORPUS):
        shown = send(page, text)
        assert [line for line in text.splitlines() if line.split() and line.strip() not in shown] == []
    page.reload()
    expect(page.locator(".message.customer .bubble").first).to_be_visible()
    assert set(page.evaluate(DRAWN)) <= ALLOWED


def test_markup_in_a_merchants_name_is_shown_as_a_name(page: Page, server: Server) -> None:
    page.locator("#customers button").first.click()
    expect(page.locator("#who")).to_be_visible()
    for start in range(0, len(CORPUS), 10):
        some = CORPUS[start : start + 10]
        _rename_merchants(server, "C1001", some)
        send(page, "查一下信用卡最近的消费记录")
        shown = page.locator(".message.bot:has(.meta)").last.inner_text()
        assert "pwned" in shown or not any("pwned" in payload for payload in some)
    assert set(page.evaluate(DRAWN)) <= ALLOWED


def _rename_merchants(server: Server, customer_id: str, names: Sequence[str]) -> None:
    """Give that customer's newest transactions *names* as merchants, in the bank's own books."""
    newest = """
        SELECT transaction_id FROM bank_card_transactions JOIN bank_cards USING (card_id)
        WHERE customer_id = ? ORDER BY spent_at DESC LIMIT ?
    """
    with closing(sqlite3.connect(server.service.settings.data_dir / "bank.db", timeout=10)) as books, books:
        rows = books.execute(newest, (customer_id, len(names))).fetchall()
        for (transaction_id,), name in zip(rows, names, strict=False):
            change = "UPDATE bank_card_transactions SET merchant = ?, merchant_en = ? WHERE transaction_id = ?"
            books.execute(change, (name[:80], name[:80], transaction_id))
