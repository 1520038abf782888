"""The bank's page and the widget, as a customer meets them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.server import Server

pytestmark = pytest.mark.browser

LABEL = "AI 助手生成"
HOSTILE = """<img src=x onerror="document.title='pwned'"><script>document.title='pwned'</script>{{7*7}}"""


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The bank's page, freshly opened; fails the test if the policy was violated or a script failed."""
    context = browser.new_context(locale="zh-CN")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(server.url)
    expect(opened.locator("#customers li").first).to_be_visible()
    yield opened
    context.close()
    unexpected = [text for text in complaints if "net::ERR" not in text]
    assert unexpected == []


def say(page: Page, text: str) -> None:
    """Type *text*, press Enter, and wait for the answer."""
    answers = page.locator(".message.bot .meta")
    count = answers.count()
    page.locator(".writing textarea").fill(text)
    page.locator(".writing textarea").press("Enter")
    expect(answers).to_have_count(count + 1, timeout=15_000)


def transcript(page: Page) -> list[str]:
    return page.locator(".message:not(.welcome) .bubble:not(.typing)").all_inner_texts()


def test_a_customer_buys_currency_with_the_code_from_their_phone(page: Page) -> None:
    page.locator("#customers button").first.click()
    expect(page.locator("#who")).to_be_visible()
    for text in ("换五百美金", "不对，是八百", "确认"):
        say(page, text)
    expect(page.locator("#sms-text")).to_contain_text(re.compile(r"\d{6}"))
    answers = page.locator(".message.bot .meta")
    count = answers.count()
    page.locator("#sms-use").click()
    expect(answers).to_have_count(count + 1, timeout=15_000)
    expect(page.locator("#sms")).to_be_hidden()
    *_, code, done = transcript(page)
    assert code == "••••••"
    assert "800.00美元" in done
    assert "800.00美元" in page.locator(".message.bot .figure").all_inner_texts()


def test_a_reload_resumes_the_conversation_without_loss_or_doubles(page: Page) -> None:
    say(page, "今天美元汇率")
    say(page, "那欧元呢")
    before = transcript(page)
    assert len(before) == 4
    page.reload()
    expect(page.locator(".message.bot .meta")).to_have_count(2)
    assert transcript(page) == before
    say(page, "谢谢")
    assert transcript(page)[:4] == before


def test_a_message_written_while_the_line_is_down_is_sent_once_when_it_is_back(page: Page) -> None:
    say(page, "你好")
    lost: list[str] = []

    def lose_the_answer(route: Route) -> None:
        if len(lost) < 2:
            # The server has the message; its answer never arrives.
            route.fetch()
            lost.append(route.request.post_data or "")
            route.abort()
        else:
            route.continue_()

    page.route("**/messages", lose_the_answer)
    say(page, "欧元汇率")
    expect(page.locator(".line")).to_be_hidden(timeout=10_000)
    assert len(lost) == 2
    assert transcript(page).count("欧元汇率") == 1
    assert len(transcript(page)) == 4


def test_every_answer_carries_the_label_and_the_header_keeps_it(page: Page) -> None:
    expect(page.locator("teller-chat header")).to_contain_text(LABEL)
    say(page, "你好")
    assert page.locator(".message.bot .meta .tag").all_inner_texts() == [LABEL]


def test_a_quick_reply_is_said_by_a_tap(page: Page) -> None:
    page.locator(".welcome .chips button").filter(has_text="今天美元汇率").click()
    expect(page.locator(".message.bot .meta")).to_have_count(1, timeout=15_000)
    assert transcript(page)[0] == "今天美元汇率"


def test_hostile_text_is_shown_as_text(page: Page) -> None:
    say(page, HOSTILE)
    assert transcript(page)[0] == HOSTILE
    assert page.title() != "pwned"
    assert page.locator(".message img, .message script").count() == 0


def test_enter_that_chooses_a_word_does_not_send(page: Page) -> None:
    box = page.locator(".writing textarea")
    box.fill("meiyuan")
    for options in ({"isComposing": True}, {"keyCode": 229}):
        box.dispatch_event("keydown", {"key": "Enter", "bubbles": True, **options})
    page.wait_for_timeout(300)
    assert box.input_value() == "meiyuan"
    assert transcript(page) == []


def test_signing_out_leaves_nothing_behind(page: Page) -> None:
    page.locator("#customers button").first.click()
    expect(page.locator("#who")).to_be_visible()
    say(page, "信用卡账单")
    page.locator("#sign-out").click()
    expect(page.locator("#who")).to_be_hidden()
    assert transcript(page) == []
    page.reload()
    expect(page.locator("#customers li").first).to_be_visible()
    assert transcript(page) == []
    say(page, "信用卡账单")
    assert "元" not in transcript(page)[-1]


def test_english_is_a_tap_away(page: Page) -> None:
    page.locator("#language").click()
    expect(page.locator("h1")).to_have_text("Good to see you. What can we do for you today?")
    expect(page.locator("teller-chat header")).to_contain_text("AI-generated")
    say(page, "US dollar rate today")
    assert "USD" in transcript(page)[-1] or "dollar" in transcript(page)[-1]


def test_the_api_is_described_without_a_script_from_elsewhere(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/docs")
    expect(page.locator("article", has_text="/v1/conversations/{conversation_id}/messages")).to_be_visible()
    page.locator("article", has_text="/webhooks/rest/webhook").locator("summary").click()
    expect(page.locator("article", has_text="/webhooks/rest/webhook").locator(".body")).to_be_visible()
