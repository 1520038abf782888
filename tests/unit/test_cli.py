"""The ``teller`` command, as a person at a shell uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.chat import ChatError, converse
from bot.settings import load_settings

ROOT = Path(__file__).parent.parent.parent
TELLER = [sys.executable, "-c", "from bot.cli import main; main()"]


def teller(*arguments: str, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TELLER_")}
    return subprocess.run(
        [*TELLER, *arguments],
        cwd=ROOT,
        env={**kept, **environment},
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_understand_answers_every_line_with_an_object() -> None:
    lines = ["换五百美金", json.dumps({"text": "hello", "id": 7}), "", '{"怎么做红烧肉']
    done = teller("understand", said="\n".join(lines) + "\n")
    assert done.returncode == 0, done.stderr
    fx, hello, nothing, broken = map(json.loads, done.stdout.splitlines())
    assert fx.keys() == {"text", "language", "in_scope", "act", "intents", "slots"}
    assert fx["intents"][0]["name"] == "fx_buy"
    assert {"slot": "amount", "start": 1, "end": 3, "value": "五百", "normalized": "500"} in fx["slots"]
    assert (hello["text"], hello["language"]) == ("hello", "en")
    assert [meaning["intents"][0]["name"] for meaning in (nothing, broken)] == ["out_of_scope"] * 2
    assert broken["text"] == '{"怎么做红烧肉'


def test_serve_refuses_unsafe_settings_in_sentences() -> None:
    open_demo = teller("serve", "--host", "0.0.0.0")
    assert open_demo.returncode == 1
    assert "127.0.0.1" in open_demo.stderr
    bare_production = teller("serve", TELLER_ENV="production")
    assert bare_production.returncode == 1
    assert "TELLER_SECRET is not set" in bare_production.stderr
    assert "Traceback" not in open_demo.stderr + bare_production.stderr


def test_chat_is_the_same_conversation_and_explains_itself(tmp_path: Path) -> None:
    said = "/why\n换五百美金\n不对，是八百\n确认\n/why\n/quit\n"
    done = teller("chat", "--customer", "C1001", said=said, TELLER_DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "还没有可以解释的回答" in done.stdout
    assert "800.00美元" in done.stdout
    assert "手机短信: 【云杉银行】验证码" in done.stdout
    why = done.stdout[done.stdout.rindex("意图") :]
    assert "affirm" in why
    assert "step_up → code_sent" in why
    assert "code_length = 6位 · rule" in why
    assert "判定  template" in why


def test_chat_speaks_english_and_knows_a_visitor(tmp_path: Path) -> None:
    said = "my credit limit\nUS dollar rate today\n"
    done = teller("chat", "--lang", "en", said=said, TELLER_DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Not signed in" in done.stdout
    assert "sign in" in done.stdout
    assert "US dollar" in done.stdout


async def test_chat_names_the_customers_it_knows(tmp_path: Path) -> None:
    with pytest.raises(ChatError, match="C1001"):
        await converse(load_settings(env="demo", data_dir=tmp_path), "nobody", "zh")


async def test_chat_signs_nobody_in_outside_the_demo(tmp_path: Path) -> None:
    settings = load_settings(env="demo", data_dir=tmp_path).model_copy(update={"env": "production"})
    with pytest.raises(ChatError, match="demo only"):
        await converse(settings, "C1001", "zh")


@pytest.mark.parametrize("command", ["serve", "chat", "understand", "train", "evaluate", "check", "actions", "seed"])
def test_every_command_says_what_it_does(command: str) -> None:
    done = teller(command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout
