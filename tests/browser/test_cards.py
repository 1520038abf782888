"""What the widget draws of what the server sends: cards of every kind, streamed text, where figures are from."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.looks import CARDS, CODE, CONFIRM
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def theatre() -> Iterator[Stage]:
    with Stage().serving() as stage:
        yield stage


@pytest.fixture
def stage(theatre: Stage) -> Stage:
    theatre.events.clear()
    theatre.said.clear()
    theatre.asked.clear()
    theatre.followed.clear()
    theatre.queue = None
    theatre.attributes = ""
    theatre.cut(up=True)
    return theatre


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    """The widget in a host page, with a message sent; fails the test if the policy was violated or a script failed."""
    context = browser.new_context(locale="zh-CN", accept_downloads=True)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(f"{stage.url}/host")
    write(opened, "你好")
    expect(opened.locator(".message.customer time")).to_be_visible()
    yield opened
    context.close()
    assert [text for text in complaints if "503" not in text] == []


def write(page: Page, text: str) -> None:
    page.locator(".writing textarea").fill(text)
    page.locator(".writing textarea").press("Enter")


def answers(page: Page) -> Locator:
    return page.locator(".message.bot:has(.meta)")


def test_every_kind_of_card_is_drawn_with_its_source(page: Page, stage: Stage) -> None:
    stage.answer("都在这里", cards=list(CARDS.values()))
    expect(page.locator(".card")).to_have_count(len(CARDS))
    drawn = {kind: page.locator(f".card.{kind}") for kind in CARDS}
    for kind in set(CARDS) - {"code"}:
        expect(drawn[kind]).to_contain_text("来源 外汇系统 2026/11/21 10:30")
    expect(drawn["kv"].locator(".bar i")).to_have_css("inline-size", re.compile(r"\d"))
    share = "node => Math.round(100 * node.offsetWidth / node.parentElement.offsetWidth)"
    assert drawn["kv"].locator(".bar i").evaluate(share) == 25
    assert drawn["bill_breakdown"].locator(".bar i").evaluate_all(f"nodes => nodes.map({share})") == [40, 60]
    assert drawn["table"].locator("tbody tr").all_inner_texts() == ["美元\t703.66", "欧元\t"]
    assert drawn["compare"].locator("tbody tr").first.locator("td").all_inner_texts() == ["R2", "R3"]
    assert drawn["holdings"].locator(".thing .bar i").evaluate_all(f"nodes => nodes.map({share})") == [75, 25]
    expect(drawn["nav_chart"]).to_contain_text("最大回撤 0.99%")
    expect(drawn["nav_chart"]).to_contain_text("历史净值不代表未来表现。")
    expect(drawn["plan"].locator("svg rect")).to_have_count(3)


def test_a_chart_has_a_table_that_says_the_same(page: Page, stage: Stage) -> None:
    stage.answer("走势", cards=[CARDS["rate_chart"]])
    chart = page.locator(".card.rate_chart")
    expect(chart.get_by_role("img")).to_have_accessible_name(
        "每100美元兑人民币，2026年11月16日至2026年11月19日，最低6.98，最高7.05。下方可看数据表。"
    )
    chart.locator("summary").click()
    assert chart.locator("tbody tr").all_inner_texts()[0] == "2026年11月19日\t7.02"
    assert chart.locator("tbody tr").count() == len(CARDS["rate_chart"]["data"]["points"])


def test_a_card_of_an_unknown_kind_or_without_its_data_is_left_out(page: Page, stage: Stage) -> None:
    odd = [{"kind": kind, "data": {}} for kind in ("unheard_of", "constructor", "table", "rate_chart", "compare")]
    stage.answer("只有这张", cards=[*odd, CARDS["kv"]])
    expect(page.locator(".card")).to_have_count(1)
    expect(answers(page)).to_contain_text("只有这张")


def test_lines_that_a_table_shows_are_not_told_twice(page: Page, stage: Stage) -> None:
    figure = {"start": 12, "end": 18, "source": "fx", "as_of": "2026-11-21T02:30:00Z"}
    stage.answer("牌价如下：\n· 美元：703.66\n· 欧元：810.58\n供您参考。", cards=[CARDS["table"]], evidence=[figure])
    expect(answers(page).locator(".bubble")).to_have_text("牌价如下：\n供您参考。")
    stage.answer("牌价如下：\n· 美元：703.66\n供您参考。", cards=[CARDS["table"]])
    expect(answers(page).last.locator(".bubble")).to_contain_text("美元：703.66")


def test_a_quote_is_confirmed_by_its_button_once(page: Page, stage: Stage) -> None:
    chips = [{"title": text, "payload": text} for text in ("确认", "取消", "换少一点")]
    stage.answer("请您核对。", cards=[CONFIRM], quick_replies=chips)
    expect(page.locator(".chips button")).to_have_text(["换少一点"])
    page.locator(".card.confirm button", has_text="确认").click()
    expect(page.locator(".card.confirm .acts")).to_be_hidden()
    expect(page.locator(".chips")).to_have_count(0)
    expect(page.locator(".message.customer .bubble").last).to_have_text("确认")
    assert [told["text"] for told in stage.said] == ["你好", "确认"]


def test_a_code_is_sent_whatever_digits_the_keyboard_types_and_rests_nowhere(page: Page, stage: Stage) -> None:
    stage.answer("验证码已发送。", cards=[CODE])
    field = page.get_by_label("短信验证码")
    field.fill("１２３")
    field.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    stage.cut(up=False)
    field.fill("１２３４５６")
    field.press("Enter")
    expect(page.locator(".message.customer .bubble").last).to_have_text("••••••")
    assert "123456" not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
    stage.cut(up=True)
    expect(page.locator(".message.customer time")).to_have_count(2, timeout=10_000)
    assert stage.said[-1]["text"] == "123456"


def test_a_reply_grows_as_it_is_said_and_survives_a_lost_line(page: Page, stage: Stage) -> None:
    figure = {"start": 8, "end": 14, "source": "fx", "as_of": "2026-11-21T02:30:00Z"}
    seen = stage.tell("message.delta", in_reply_to=1, start=0, text="美元的卖出价是", evidence=[])
    expect(page.locator(".draft .bubble")).to_have_text("美元的卖出价是")
    assert page.locator(".draft").get_attribute("aria-live") == "off"
    stage.cut(up=False)
    stage.tell("message.delta", in_reply_to=1, start=7, text="￥706.21。", evidence=[figure])
    stage.tell("message.delta", in_reply_to=1, start=15, text="要换一点吗？", evidence=[])
    expect(page.locator(".line")).to_be_visible()
    stage.cut(up=True)
    expect(page.locator(".draft .bubble")).to_have_text("美元的卖出价是￥706.21。要换一点吗？", timeout=10_000)
    assert stage.followed == [0, seen]
    stage.answer("美元的卖出价是￥706.21。要换一点吗？", evidence=[figure])
    expect(answers(page)).to_have_count(1)
    expect(page.locator(".draft")).to_have_count(0)
    expect(page.locator(".message.bot .bubble:not(.typing)").last).to_have_text("美元的卖出价是￥706.21。要换一点吗？")
    stage.cut(up=True)
    stage.answer("不客气。")
    expect(answers(page).last.locator(".bubble")).to_have_text("不客气。", timeout=10_000)
    whole = ["美元的卖出价是￥706.21。要换一点吗？", "不客气。"]
    assert answers(page).locator(".bubble").all_inner_texts() == whole
    page.reload()
    expect(answers(page).locator(".bubble")).to_have_text(whole)


def test_where_a_figure_is_from_is_shown_on_demand(page: Page, stage: Stage) -> None:
    rate = {"start": 0, "end": 6, "source": "fx", "as_of": "2026-11-21T02:30:00Z"}
    told = {"start": 7, "end": 10, "source": "customer", "as_of": "2026-11-21T02:30:00Z"}
    stage.answer("706.21，500", evidence=[rate, told])
    where = page.get_by_role("button", name="这个数字从哪来")
    expect(page.locator(".origins")).to_be_hidden()
    where.click()
    expect(where).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".origins")).to_have_text("外汇系统 · 2026/11/21 10:30706.21")
    stage.answer("好的", evidence=[told])
    expect(answers(page)).to_have_count(2)
    expect(where).to_have_count(1)


def test_the_way_to_a_human_is_shown_to_its_end_and_rated(page: Page, stage: Stage) -> None:
    banner = page.locator(".handover")
    stage.tell("handover.queued", ahead="2", wait_minutes="6", outcome="queued")
    expect(banner).to_contain_text("前面还有2位，预计等待约6分钟")
    expect(page.locator(".human")).to_be_hidden()
    stage.tell("handover.queued", position="1", wait_minutes="2", outcome="queued")
    expect(banner).to_contain_text("下一位就是您，预计等待约2分钟")
    stage.tell("handover.joined", "rep", name="林晓", name_en="Lin Xiao")
    expect(banner).to_have_text("林晓 正在为您服务")
    expect(page.locator("teller-chat .head .who")).to_contain_text("人工客服 林晓")
    stage.tell("typing", "rep", name="林晓")
    expect(page.locator(".bubble.typing")).to_be_visible()
    stage.tell("message.completed", "rep", text="您好，我是林晓。", name="林晓")
    expect(page.locator(".message.rep .tag")).to_have_text("林晓")
    expect(page.locator(".bubble.typing")).to_be_hidden()
    stage.tell("handover.left", "rep")
    expect(banner).to_be_hidden()
    expect(page.locator(".rating")).to_have_count(0)
    stage.tell("rating.requested", "rep")
    page.locator(".stars label").nth(3).click()
    expect(page.locator(".told")).to_have_text("满意")
    page.locator(".rating textarea").fill("很耐心")
    page.get_by_role("button", name="提交").click()
    expect(page.locator(".note").last).to_have_text("谢谢您的评价")
    assert stage.asked[-1] == ("PUT", "rating", {"score": 4, "comment": "很耐心"})


def test_a_reply_is_called_helpful_or_not(page: Page, stage: Stage) -> None:
    seq = stage.answer("706.21")
    down = page.get_by_role("button", name="没帮助")
    down.click()
    expect(down).to_have_attribute("aria-pressed", "true")
    assert stage.asked[-1] == ("PUT", "rating", {"score": 1, "seq": seq})
    expect(page.get_by_role("button", name="有帮助")).to_have_attribute("aria-pressed", "false")


def test_what_is_copied_and_saved_carries_the_label(page: Page, stage: Stage) -> None:
    stage.answer("美元706.21", at=dt.datetime(2026, 11, 21, 2, 30, tzinfo=dt.UTC))
    expect(answers(page)).to_have_count(1)
    page.get_by_role("button", name="更多").click()
    with page.expect_download() as saving:
        page.get_by_role("menuitem", name="保存对话").click()
    kept = saving.value.path().read_text("utf-8-sig")
    assert "[2026/11/21 10:30] AI 助手生成\n美元706.21" in kept
    assert kept.startswith("对话记录")
    assert page.evaluate("document.querySelector('teller-chat').transcript()").splitlines()[2:] == kept.splitlines()[2:]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="更多").click()
    page.get_by_role("menuitem", name="复制对话").click()
    expect(page.locator(".line")).to_have_text("对话已复制")
    assert "AI 助手生成\n美元706.21" in page.evaluate("navigator.clipboard.readText()")
