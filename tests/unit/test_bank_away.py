"""The bank goes away in the middle of a turn: the customer still gets an answer, and none that is not so."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from backends.action import ActionCall, BackendError, Caller
from backends.local import LocalActions
from backends.result import Result
from bot.app import Instead, open_bank, running
from bot.parts import utc_now
from bot.principal import Principal
from bot.settings import load_settings


class WithoutProfiles:
    """A bank that answers everything but who the customer is."""

    def __init__(self, inner: LocalActions) -> None:
        self._inner = inner

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        if call.name == "customer_profile":
            raise BackendError("the profile system is down")
        return await self._inner.run(call, caller)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["我要买100美元", "确认"], "预留的手机"),
        (["I'd like to buy 100 US dollars", "yes, confirm"], "the phone number we hold"),
    ],
    ids=["zh", "en"],
)
async def test_a_code_is_told_of_although_the_phone_it_went_to_cannot_be_looked_up(
    tmp_path: Path, texts: list[str], said: str
) -> None:
    settings = load_settings(env="demo", data_dir=tmp_path)
    engine = open_bank(settings)
    customer = Principal(customer_id="C1001", assurance="signed_in")
    async with running(settings, Instead(actions=WithoutProfiles(LocalActions(engine, utc_now)))) as service:
        conversation, _ = await service.conversations.create(channel="web", principal=customer, now=utc_now())
        for text in texts:
            taken = await service.inbox.accept(
                conversation.id, str(uuid.uuid4()), text, principal=customer, channel="web", now=utc_now()
            )
            reply = await service.events.reply_to(conversation.id, taken.seq, timeout=20)
            assert reply is not None
        assert service.demo is not None
        assert await service.demo.phone.read("C1001") is not None
    await engine.dispose()
    assert reply.data["decisions"][-1]["outcome"] == "code_sent"
    assert said in reply.data["text"]
