"""A customer's secrets and personal data, followed through every path: not in a table, a log or a prompt."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from backends.action import ActionCall, ActionRunner, Caller
from backends.local import LocalActions
from backends.result import Result
from bot import failpoints
from bot.app import Instead, open_bank
from bot.principal import Principal
from bot.records import Base
from bot.service import Service
from bot.settings import load_settings
from bot.store import open_database, reading
from responses.gateway import Completion, Request
from tests.bank import BANK_NOW
from tests.conversations.stories import open_bank as open_service

CARD = "6222021234567894328"
PASSWORD = "Kx92mq7"
ID = "110101199003078515"
PHONE = "13912345678"
NAME = "陈思远"
CHEN = Principal(customer_id="C1001", assurance="signed_in")
SAID = (
    f"我的卡号是{CARD}，密码是{PASSWORD}，帮我查余额",
    f"我叫{NAME}，身份证{ID}，手机{PHONE}，美元汇率多少",
    f"I lost my card {CARD}, my password is {PASSWORD}",
)


class Listening:
    """A model that keeps every prompt and says nothing of use."""

    name = "listening"

    def __init__(self) -> None:
        self.prompts: list[str] = []

    async def complete(self, request: Request) -> Completion:
        self.prompts.append(repr(request))
        return Completion("好的。", self.name)


class Failing:
    """A bank whose every error quotes what it was asked."""

    def __init__(self, inner: ActionRunner) -> None:
        self.inner = inner
        self.broken = False

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        if self.broken:
            raise RuntimeError(f"could not do {call} for {CARD} {PASSWORD} {NAME}")
        return await self.inner.run(call, caller)


async def say(service: Service, conversation: str, message: str, said: str) -> str:
    taken = await service.inbox.accept(conversation, message, said, principal=CHEN, channel="web", now=service.clock())
    event = await service.events.reply_to(conversation, taken.seq, 15.0)
    assert event is not None
    return str(event.data["text"])


async def test_no_canary_is_found_where_it_does_not_belong(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = load_settings(env="demo", data_dir=tmp_path)
    bank = open_bank(settings)
    actions = Failing(LocalActions(bank, lambda: BANK_NOW))
    model = Listening()
    code = ""
    async with open_service(tmp_path, Instead(clock=lambda: BANK_NOW, actions=actions, provider=model)) as service:
        opened, secret = await service.conversations.create(channel="web", principal=CHEN, now=BANK_NOW)
        for n, said in enumerate(SAID):
            await say(service, opened.id, f"said {n}", said)
        await say(service, opened.id, "cancel", "算了")
        await say(service, opened.id, "quote", "换五百美金")
        await say(service, opened.id, "confirm", "确认")
        assert service.demo is not None
        shown = await service.demo.phone.read("C1001")
        assert shown is not None
        code = shown[0]
        wrong = "271828" if code != "271828" else "314159"
        await say(service, opened.id, "wrong", f"验证码是{wrong}")
        await say(service, opened.id, "right", code)
        actions.broken = True
        # Another conversation: in the first the customer's profile is remembered, and some answers need no more.
        other, _ = await service.conversations.create(channel="web", principal=CHEN, now=BANK_NOW)
        for n, said in enumerate(SAID):
            assert "抱歉" in await say(service, other.id, f"broken {n}", said) or n == 2
        actions.broken = False
        failpoints.arm("turn.before_understand=raise")
        try:
            await say(service, opened.id, "raise", SAID[0])
        finally:
            failpoints.arm(None)
        # What another library might do: the net under the rule that nobody logs a customer's words.
        logging.getLogger("some.library").error("could not send %s", f"{opened.id}~{secret} {CARD} {PHONE} {code}")
    await bank.dispose()

    engine = open_database(None, tmp_path)
    stored = ""
    async with reading(engine) as connection:
        for table in Base.metadata.sorted_tables:
            stored += "\n".join(
                str(tuple(row)) for row in await connection.execute(text(f"SELECT * FROM {table.name}"))
            )
    await engine.dispose()
    logged, prompted = caplog.text, "\n".join(model.prompts)
    assert f"could not send {opened.id}" in logged
    assert secret not in logged + stored
    assert "RuntimeError" in logged, "no error was logged, so nothing was shown"
    assert model.prompts, "the model was never asked, so nothing was shown"
    assert "C1001" in stored
    secrets = (CARD, PASSWORD, code, wrong)
    assert [canary for canary in secrets if canary in stored] == []
    for canary in (*secrets, ID, PHONE, NAME):
        assert canary not in logged, canary
        assert canary not in prompted, canary
