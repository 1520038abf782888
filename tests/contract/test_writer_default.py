"""A whole service as it stands after installing: replies that people wrote, with the facts and the manners of the templates'."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import Instead
from bot.settings import load_settings
from responses.writer.pairs import pairs
from tests.contract.test_streaming import ask, texts
from tests.conversations.stories import on_wednesday, open_bank

ASKED = ("气死我了，账户余额多少", "查一下账单", "信用卡额度多少", "欧元汇率", "账户余额多少", "谢谢")


async def _told(folder: Path) -> list[str]:
    async with open_bank(folder, Instead(clock=on_wednesday)) as service:
        events = await ask(service, "web", *ASKED)
    assert texts(events, "message.delta") == [], "what is there at once is said at once"
    evidence = [
        event.data["evidence"] for event in events if event.type == "message.completed" and event.actor == "bot"
    ]
    assert all(evidence[:4])
    return texts(events, "message.completed")


async def test_without_any_setting_a_customer_hears_what_people_wrote(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TELLER_WRITER", "false")
    (tmp_path / "plain").mkdir()
    (tmp_path / "written").mkdir()
    plain = await _told(tmp_path / "plain")
    monkeypatch.delenv("TELLER_WRITER")
    written = await _told(tmp_path / "written")
    assert "陈女士" in written[0]
    assert not any("陈女士" in text for text in written[1:])
    assert sum(one != other for one, other in zip(plain, written, strict=True)) >= 5
    thanks = {pair.reply for pair in pairs() if pair.recited and pair.capability == "thanks"}
    assert any(written[-1].endswith(reply) for reply in thanks)
    assert written[0].split("。", 1)[1] != written[4], "the second time it is told in other words"


def test_a_named_model_takes_the_writer_s_place_and_it_can_be_switched_off(tmp_path: Path) -> None:
    demo = {"env": "demo", "data_dir": tmp_path}
    assert [each.kind for each in load_settings(**demo, writer=True).language_models()] == ["writer"]
    assert load_settings(**demo, writer=False).language_models() == ()
    named = load_settings(**demo, writer=True, model_url="http://engine:8000/v1", model_name="qwen")
    assert [each.name for each in named.language_models()] == ["qwen"]
