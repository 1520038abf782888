"""A correction in a browser: two clicks of a rep in the transcript, a supervisor's approval, a file for training."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bot.desk.rules import desk_rules
from tests.server import Server, Talk

pytestmark = pytest.mark.browser
SOON = 15_000


@pytest.fixture
def contexts(browser: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """Two browsers; fails the test if the policy was violated or a script failed."""
    complaints: list[str] = []
    opened = browser.new_context(locale="zh-CN"), browser.new_context(locale="zh-CN")
    for context in opened:
        context.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield opened
    for context in opened:
        context.close()
    assert complaints == []


def signed_in(context: BrowserContext, server: Server, name: str) -> Page:
    """The desk as somebody of the demo."""
    page = context.new_page()
    page.goto(f"{server.url}/desk/sign-in")
    page.get_by_label("账号").fill(name)
    page.get_by_label("密码").fill(next(rep.password for rep in desk_rules().demo_reps if rep.name == name))
    page.get_by_role("button", name="登录").click()
    expect(page.locator("header .me")).to_be_visible(timeout=SOON)
    return page


def waiting(server: Server, text: str) -> Talk:
    """A customer who wrote *text* and then asked for a human."""
    talk = server.open()
    talk.say(text)
    talk.say("转人工")
    return talk


def test_two_clicks_in_the_transcript_become_a_row_of_training_data(
    contexts: tuple[BrowserContext, BrowserContext], server: Server
) -> None:
    text = "那张蓝色的卡前天在洱海边一共刷掉多少"
    talk = waiting(server, text)
    rep = signed_in(contexts[0], server, "linxiao")
    rep.goto(f"{server.url}/desk/conversations/{talk.id}")
    rep.locator("#work .acts .primary").click()
    expect(rep.locator("#work[data-held=true]")).to_be_visible(timeout=SOON)
    line = rep.locator("#line-1")
    line.get_by_role("button", name="纠正").click()
    reading = line.locator("button.reading").first
    expect(reading).to_be_visible(timeout=SOON)
    meant = reading.get_attribute("value")
    reading.click()
    expect(line.get_by_role("status")).to_contain_text("等另一位同事复核", timeout=SOON)

    supervisor = signed_in(contexts[1], server, "hemin")
    supervisor.goto(f"{server.url}/desk/corrections")
    supervisor.get_by_role("link", name=text).click()
    supervisor.locator("form.review input[name=why]").fill("看过了")
    anyway = supervisor.locator("form.review input[name=anyway]")
    if anyway.count():
        anyway.check()
    supervisor.get_by_role("button", name="通过", exact=True).click()
    expect(supervisor.locator("#correction h1 .chip")).to_have_text("已通过", timeout=SOON)
    supervisor.goto(f"{server.url}/desk/corrections?show=approved")
    with supervisor.expect_download() as taken:
        supervisor.get_by_role("link", name="训练数据").click()
    (row,) = [json.loads(line) for line in taken.value.path().read_text("utf-8").splitlines()]
    assert (row["text"], row["intents"]) == (text, [meant])
