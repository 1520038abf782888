"""The conversation in a terminal: the same inbox, turn and events as on every channel, in this process."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any, Literal

import typer

from bot.app import running
from bot.channels.intake import MAX_TEXT, clean
from bot.conversations import Conversation
from bot.explain import explain
from bot.principal import Principal
from bot.service import DemoBank, Service
from bot.settings import Settings

CHANNEL = "terminal"
REPLY_WITHIN = 30.0

_WORDS = {
    "zh": {
        "banner": "云杉银行智能客服（演示） · 内容由 AI 助手生成 · /why 解释上一次回答 · /quit 退出",
        "signed_in": "已登录：{name}（{customer_id}）",
        "visitor": "未登录。以客户身份登录：teller chat --customer {customer_id}",
        "you": "您",
        "bot": "AI",
        "phone": "手机短信",
        "sms": "【云杉银行】验证码 {code}，请勿告诉任何人。",
        "silent": "（人工客服正在处理，智能客服不作答）",
        "nothing": "还没有可以解释的回答。",
        "long": "消息请控制在 {limit} 字以内。",
    },
    "en": {
        "banner": "Spruce Bank assistant (demo) · AI-generated · /why explains the last answer · /quit leaves",
        "signed_in": "Signed in: {name} ({customer_id})",
        "visitor": "Not signed in. To sign in: teller chat --lang en --customer {customer_id}",
        "you": "You",
        "bot": "AI",
        "phone": "Text message",
        "sms": "[Spruce Bank] Your code is {code}. Never share it with anyone.",
        "silent": "(A person is looking after this; the assistant stays silent.)",
        "nothing": "There is no answer to explain yet.",
        "long": "Please keep a message under {limit} characters.",
    },
}


class ChatError(Exception):
    """The conversation cannot begin; the sentence says why."""


async def converse(settings: Settings, customer_id: str | None, language: Literal["zh", "en"]) -> None:
    """Talk until the customer leaves (``/quit`` or the end of input). Raises ``ChatError``."""
    if not settings.demo:
        raise ChatError("teller chat signs in without a credential, so it works in the demo only.")
    async with running(settings) as service:
        assert service.demo is not None
        principal = await _sign_in(service.demo, customer_id, language)
        conversation, _ = await service.conversations.create(
            channel=CHANNEL, principal=principal, language=language, now=service.clock()
        )
        await _Terminal(service, service.demo, conversation, principal, language).run()


async def _sign_in(demo: DemoBank, customer_id: str | None, language: str) -> Principal:
    words, customers = _WORDS[language], await demo.customers()
    typer.secho(words["banner"], dim=True)
    if customer_id is None:
        typer.secho(words["visitor"].format(customer_id=customers[0]["customer_id"]), dim=True)
        return Principal(channel=CHANNEL)
    for customer in customers:
        if customer["customer_id"] == customer_id:
            name = customer["name_en"] if language == "en" else customer["name"]
            typer.secho(words["signed_in"].format(name=name, customer_id=customer_id), dim=True)
            return Principal(channel=CHANNEL, customer_id=customer_id, assurance="signed_in")
    known = ", ".join(customer["customer_id"] for customer in customers)
    raise ChatError(f"There is no customer {customer_id}; the demo has {known}.")


class _Terminal:
    def __init__(
        self, service: Service, demo: DemoBank, conversation: Conversation, principal: Principal, language: str
    ) -> None:
        self._service = service
        self._demo = demo
        self._conversation = conversation
        self._principal = principal
        self._language = language
        self._words = _WORDS[language]
        self._last: tuple[int, dict[str, Any] | None] | None = None

    async def run(self) -> None:
        number = 0
        while (line := await _ask(f"{self._words['you']} > ")) is not None:
            match line.strip():
                case "":
                    continue
                case "/quit":
                    return
                case "/why":
                    await self._explain()
                case text if len(text) > MAX_TEXT:
                    typer.echo(self._words["long"].format(limit=MAX_TEXT))
                case text:
                    number += 1
                    await self._say(f"terminal-{number}", text)

    async def _say(self, message_id: str, text: str) -> None:
        try:
            text = clean(text)
        except ValueError:
            return
        accepted = await self._service.inbox.accept(
            self._conversation.id,
            message_id,
            text,
            principal=self._principal,
            channel=CHANNEL,
            now=self._service.clock(),
        )
        event = await self._service.events.reply_to(self._conversation.id, accepted.seq, REPLY_WITHIN)
        self._last = accepted.seq, event.data if event else None
        if event is None:
            typer.secho(self._words["silent"], dim=True)
            return
        self._show(event.data)
        if any(decision["outcome"] == "code_sent" for decision in event.data["decisions"]):
            await self._ring()

    def _show(self, reply: dict[str, Any]) -> None:
        label = f"{self._words['bot']} > "
        indent = "\n" + " " * len(label)
        typer.secho(label, fg=typer.colors.GREEN, bold=True, nl=False)
        typer.echo(reply["text"].replace("\n", indent))
        titles = [quick["title"] for quick in reply["quick_replies"]]
        if titles:
            typer.secho(" " * len(label) + "".join(f"[{title}] " for title in titles), dim=True)

    async def _ring(self) -> None:
        assert self._principal.customer_id is not None
        message = await self._demo.phone.read(self._principal.customer_id)
        if message is not None:
            text = self._words["sms"].format(code=message[0])
            typer.secho(f"  {self._words['phone']}: {text}", fg=typer.colors.YELLOW)

    async def _explain(self) -> None:
        record = await self._service.record_of(self._conversation.id, self._last[0]) if self._last else None
        if self._last is None or record is None:
            typer.echo(self._words["nothing"])
            return
        for line in explain(record, self._last[1], self._language):
            typer.secho(f"  {line}", fg=typer.colors.CYAN)


async def _ask(prompt: str) -> str | None:
    """The next line, ``None`` at the end of input. A thread of its own: an interrupt must not wait for the Enter key."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str | None] = loop.create_future()

    def settle(line: str | None) -> None:
        if not answer.done():
            answer.set_result(line)

    def read() -> None:
        try:
            line: str | None = input(prompt)
            if not sys.stdin.isatty():
                typer.echo(line)
        except EOFError:
            typer.echo()
            line = None
        loop.call_soon_threadsafe(settle, line)

    threading.Thread(target=read, daemon=True).start()
    return await answer
