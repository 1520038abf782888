"""Binding WeChat, from the bank's page to the first bill in the chat and back."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from bot.channels import words
from bot.channels.weixin import xml
from bot.channels.weixin.crypto import decrypt
from tests.server import Server
from tests.weixin import AES_KEY, APP, SECRET, TOKEN, Weixin

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The bot with an Official Account."""
    settings = {"wechat_appid": APP, "wechat_secret": SECRET, "wechat_token": TOKEN, "wechat_aes_key": AES_KEY}
    with Server(tmp_path_factory.mktemp("bound"), **settings).serving() as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A page of the bank; fails the test if the policy was violated or a script failed."""
    context = browser.new_context(locale="zh-CN")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def write(server: Server, text: str) -> str:
    """A message in WeChat; what WeChat shows for an answer."""
    weixin = Weixin()
    query, body = weixin.callback(weixin.text(text))
    with server.client() as http:
        response: httpx.Response = http.post("/channels/wechat", params=query, content=body).raise_for_status()
    return xml.parse(decrypt(xml.parse(response.content)["Encrypt"], [weixin.key], APP)[0])["Content"]


def test_a_customer_binds_and_unbinds_wechat(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/bind")
    expect(page.locator("#signed-out")).to_be_visible()
    page.goto(server.url)
    page.locator("#customers button").first.click()
    expect(page.locator("#who")).to_be_visible()
    page.get_by_role("link", name="绑定微信").click()
    page.locator("#make").click()
    expect(page.locator("#link")).to_contain_text("/bind/")
    assert write(server, page.locator("#link").inner_text()) == words.BOUND
    assert "还款" in write(server, "我的信用卡账单")
    page.reload()
    page.get_by_role("button", name="解除").click()
    expect(page.locator("#bound li")).to_have_count(0)
    assert "/bind" in write(server, "我的信用卡账单")


def test_whoever_opens_a_link_in_a_browser_is_told_to_send_it(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/bind/{'x' * 32}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("#signed-out")).to_be_visible()
