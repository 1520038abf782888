"""The widget in a bank's own page of another origin, under the strictest policy: one script tag, its methods and events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Response
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.stage import host_page
from tests.server import Server, serving

pytestmark = pytest.mark.browser

AXE = Path(__file__).with_name("axe").joinpath("axe.min.js").read_text("utf-8")
HEARD = """() => {
  window.heard = [];
  for (const name of ["open", "close", "reply", "handover", "rating", "ended"])
    document.addEventListener(`teller-${name}`, (event) => window.heard.push([name, event.detail]));
}"""


class Host:
    """A bank's page at ``url`` that holds the widget of *server*."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.url = ""
        self.attributes = 'launcher brand="某银行"'
        self.app = FastAPI()
        self.app.add_api_route("/", self._page)

    async def _page(self) -> Response:
        assert self.server is not None
        return host_page(self.server.url, self.attributes)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host()
    with serving(made.app) as made.url:
        made.server = Server(tmp_path_factory.mktemp("held"), widget_origins=made.url)
        with made.server.serving():
            yield made


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of its own; fails the test if any page of it violated the policy, or a script failed."""
    made = browser.new_context(locale="zh-CN")
    complaints: list[str] = []
    made.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    made.on("weberror", lambda error: complaints.append(str(error.error)))
    yield made
    made.close()
    # A credential that is over is answered with 401, another customer's conversation with 409: the browser says so itself.
    assert [text for text in complaints if "401" not in text and "409" not in text] == []


def visit(context: BrowserContext, host: Host, attributes: str = 'launcher brand="某银行"') -> Page:
    host.attributes = attributes
    page = context.new_page()
    page.goto(host.url)
    page.evaluate("customElements.whenDefined('teller-chat').then(() => true)")
    page.evaluate(HEARD)
    return page


def call(page: Page, words: str) -> object:
    return page.evaluate(f"async () => {{ const chat = document.querySelector('teller-chat'); return {words}; }}")


def answers(page: Page, count: int) -> None:
    expect(page.locator(".message.bot:has(.meta)")).to_have_count(count, timeout=15_000)


def transcript(page: Page) -> list[str]:
    return page.locator(".message:not(.welcome) .bubble:not(.typing)").all_inner_texts()


def test_a_page_elsewhere_opens_it_tells_it_who_and_where_and_hears_of_it(context: BrowserContext, host: Host) -> None:
    assert host.server is not None
    page = visit(context, host)
    expect(page.locator(".panel")).to_be_hidden()
    call(page, "chat.context({page: 'wealth/detail', product: '云杉稳盈秋实', card_tail: '<b>'})")
    call(page, f"chat.identify({host.server.token('C1004')!r})")
    call(page, "chat.open()")
    expect(page.locator(".panel")).to_be_visible()
    expect(page.locator(".head")).to_contain_text("某银行智能客服")
    call(page, "chat.ask('这款产品风险大吗')")
    answers(page, 1)
    assert "云杉稳盈秋实" in transcript(page)[-1]
    call(page, "chat.context({product: '云杉稳盈春晓'})")
    call(page, "chat.ask('这款产品风险大吗')")
    answers(page, 2)
    assert "云杉稳盈春晓" in transcript(page)[-1]
    call(page, "chat.ask('我的信用卡额度')")
    answers(page, 3)
    expect(page.locator(".card.table").last).to_contain_text("可用额度")
    page.locator(".writing textarea").press("Escape")
    expect(page.locator(".panel")).to_be_hidden()
    heard = [name for name, _ in page.evaluate("window.heard")]
    assert heard == ["open", "reply", "reply", "reply", "close"]


def test_signing_in_keeps_what_a_visitor_said_and_signing_out_forgets_it(context: BrowserContext, host: Host) -> None:
    assert host.server is not None
    page = visit(context, host, "")
    call(page, "chat.ask('我的信用卡额度')")
    answers(page, 1)
    call(page, f"chat.identify(async () => {host.server.token('C1001')!r})")
    expect(page.locator(".note")).to_have_text("您已登录")
    call(page, "chat.ask('我的信用卡额度')")
    answers(page, 2)
    assert len(transcript(page)) == 4
    assert "元" in transcript(page)[-1]
    call(page, f"chat.identify({host.server.token('C1003')!r})")
    expect(page.locator(".message.bot:has(.meta)")).to_have_count(0)
    call(page, "chat.signOut()")
    page.reload()
    page.evaluate("customElements.whenDefined('teller-chat').then(() => true)")
    assert page.evaluate("JSON.parse(sessionStorage['teller-chat'] ?? '{}').credentials ?? null") is None


def test_two_tabs_hold_one_conversation_and_lose_it_together(context: BrowserContext, host: Host) -> None:
    assert host.server is not None
    first = visit(context, host, "")
    call(first, "chat.ask('今天美元汇率')")
    answers(first, 1)
    second = visit(context, host, "")
    answers(second, 1)
    assert transcript(second) == transcript(first)
    call(second, "chat.ask('那欧元呢')")
    answers(second, 2)
    answers(first, 2)
    assert transcript(second) == transcript(first)
    # Signing in makes the secret that both tabs had worthless.
    call(first, f"chat.identify({host.server.token('C1001')!r})")
    call(second, "chat.ask('我的信用卡额度')")
    for page in (first, second):
        answers(page, 3)
        assert "元" in transcript(page)[-1]
        assert transcript(page).count("那欧元呢") == 1
    # Another customer begins anew, in every tab.
    call(first, f"chat.identify({host.server.token('C1003')!r})")
    for page in (first, second):
        expect(page.locator(".message.bot:has(.meta)")).to_have_count(0)
    call(second, "chat.ask('你好')")
    for page in (first, second):
        answers(page, 1)
    call(second, "chat.signOut()")
    for page in (first, second):
        expect(page.locator(".message.bot:has(.meta)")).to_have_count(0)
    first.reload()
    expect(first.locator(".welcome")).to_be_visible()
    assert transcript(first) == []


def test_a_whole_purchase_goes_by_the_keyboard_alone(context: BrowserContext, host: Host) -> None:
    assert host.server is not None
    page = visit(context, host)
    call(page, f"chat.identify({host.server.token('C1005')!r})")
    focused = "() => { const inner = document.querySelector('teller-chat').shadowRoot.activeElement; return inner?.textContent || inner?.nodeName; }"

    def until(name: str, key: str = "Shift+Tab") -> None:
        for _ in range(20):
            if page.evaluate(focused) == name:
                return
            page.keyboard.press(key)
        pytest.fail(f"{name} is not reached by {key}")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".writing textarea")).to_be_focused()
    page.keyboard.type("换五百美金")
    page.keyboard.press("Enter")
    answers(page, 1)
    until("确认")
    page.keyboard.press("Enter")
    answers(page, 2)
    expect(page.locator(".card.code")).to_be_visible()
    until("INPUT")
    with host.server.client() as http:
        page.keyboard.type(http.get("/demo/phone/C1005").json()["code"])
    page.keyboard.press("Enter")
    answers(page, 3)
    assert "500.00" in transcript(page)[-1]
    assert transcript(page)[-2] == "••••••"
    expect(page.locator(".card.done")).to_contain_text("办理回执")
    page.keyboard.press("Escape")
    expect(page.locator(".launcher")).to_be_focused()


def test_it_works_where_the_browser_keeps_nothing(context: BrowserContext, host: Host) -> None:
    for name in ("localStorage", "sessionStorage"):
        refusing = "get() { throw new DOMException('kept from scripts', 'SecurityError'); }"
        context.add_init_script(f"Object.defineProperty(window, '{name}', {{ {refusing} }});")
    page = visit(context, host, "")
    call(page, "chat.ask('今天美元汇率')")
    answers(page, 1)
    page.get_by_role("button", name="更多").click()
    page.get_by_role("menuitem", name="大字版").click()
    expect(page.locator("teller-chat")).to_have_attribute("elder", "")


def test_the_menu_goes_by_the_keyboard_and_large_text_stays(context: BrowserContext, host: Host) -> None:
    page = visit(context, host, "")
    size = "getComputedStyle(document.querySelector('teller-chat')).fontSize"
    before = page.evaluate(size)
    page.get_by_role("button", name="更多").press("ArrowDown")
    expect(page.get_by_role("menuitem", name="大字版")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="更多")).to_be_focused()
    assert float(page.evaluate(size).removesuffix("px")) > float(before.removesuffix("px"))
    page.get_by_role("button", name="更多").press("Enter")
    page.get_by_role("menuitem", name="深色").press("Enter")
    page.reload()
    page.evaluate("customElements.whenDefined('teller-chat').then(() => true)")
    expect(page.locator("teller-chat")).to_have_attribute("elder", "")
    expect(page.locator("teller-chat")).to_have_attribute("theme", "dark")


@pytest.mark.parametrize(
    ("attributes", "greeting"),
    [
        ('brand="某银行" theme="light"', "信用卡账单"),
        ('brand="某银行" theme="dark" elder', "外汇牌价"),
        ('launcher lang="en" brand="Some Bank"', "US dollar rate trend"),
    ],
)
def test_axe_finds_nothing_to_complain_of(context: BrowserContext, host: Host, attributes: str, greeting: str) -> None:
    assert host.server is not None
    page = visit(context, host, attributes)
    call(page, f"chat.identify({host.server.token('C1001')!r})")
    call(page, "chat.open()")
    asked = [greeting, "换五百美金" if "en" not in attributes else "buy 500 US dollars"]
    for number, text in enumerate(asked, start=1):
        call(page, f"chat.ask({text!r})")
        answers(page, number)
    expect(page.locator(".card.confirm")).to_be_visible()
    page.locator(".where").last.click()
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document).then((done) => done.violations)")
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
