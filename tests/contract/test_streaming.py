"""A whole service with a model that streams: what each channel hears of a reply, and what one that resumes gets."""

from __future__ import annotations

from pathlib import Path

from bot.app import Instead
from bot.events import Event
from bot.principal import Principal
from bot.service import Service
from responses.persona import persona
from responses.scripted import ScriptedModel
from tests.conversations.stories import on_wednesday, open_bank, record_of

CHEN = "C1001"


async def ask(service: Service, channel: str, *said: str) -> list[Event]:
    """The events of a conversation of Ms Chen's in *channel* in which *said* was said."""
    principal = Principal(channel=channel, customer_id=CHEN, assurance="signed_in")
    opened, _ = await service.conversations.create(channel=channel, principal=principal, now=service.clock())
    for number, text in enumerate(said):
        taken = await service.inbox.accept(
            opened.id, f"m{number}", text, principal=principal, channel=channel, now=service.clock()
        )
        assert await service.events.reply_to(opened.id, taken.seq, 20)
        last = taken.seq
    record = await record_of(service, opened.id, last)
    assert record["versions"].keys() >= {"prompts", "templates", "persona"}
    assert bool(record["given"]["session"].get("said")) == (len(said) > 1), "what was said is remembered"
    return await service.events.read(opened.id)


def texts(events: list[Event], kind: str) -> list[str]:
    return [event.data["text"] for event in events if event.type == kind and event.actor == "bot"]


async def test_the_web_hears_sentences_and_the_other_channels_the_whole_message(tmp_path: Path) -> None:
    model = ScriptedModel("honest")
    async with open_bank(tmp_path, Instead(clock=on_wednesday, provider=model)) as service:
        streamed = await ask(service, "web", "查一下账单")
        whole = {channel: await ask(service, channel, "查一下账单") for channel in ("rasa", "wechat")}
    heard = texts(streamed, "message.delta")
    assert len(heard) >= 2
    assert "".join(heard) == texts(streamed, "message.completed")[-1]
    starts = [event.data["start"] for event in streamed if event.type == "message.delta"]
    assert starts == [sum(map(len, heard[:place])) for place in range(len(heard))]
    for events in whole.values():
        assert texts(events, "message.delta") == []
        assert len(texts(events, "message.completed")) == 1


async def test_without_a_model_a_conversation_greets_once_and_is_sorry_once(tmp_path: Path) -> None:
    async with open_bank(tmp_path, Instead(clock=on_wednesday)) as service:
        events = await ask(service, "web", "气死我了，查一下账单", "账户余额多少", "查一下账单")
    first, *later = texts(events, "message.completed")
    assert texts(events, "message.delta") == []
    assert "陈女士" in first
    assert "上午好" in first
    assert persona().says("apology", first) or "不痛快" in first
    assert not any("陈女士" in text or persona().says("apology", text) for text in later)
    assert len({first, *later}) == 3


async def test_a_conversation_remembers_a_fear_and_what_it_has_said(tmp_path: Path) -> None:
    asked = ["我好担心，余额多少", *["余额多少"] * 3]
    async with open_bank(tmp_path, Instead(clock=on_wednesday)) as service:
        replies = texts(await ask(service, "web", *asked), "message.completed")
    comforts = persona().closings["anxious"]["answer"]["zh"]
    heard = [comfort for text in replies for comfort in comforts if comfort in text]
    assert comforts
    assert any(comfort in replies[0] for comfort in comforts)
    assert len(heard) == len(set(heard))
    assert not any(comfort in replies[3] for comfort in comforts), "the fear is over by then"
    assert len({text.split("。")[0].removeprefix("陈女士，上午好") for text in replies[1:]}) == 3
