"""What is shipped to run it elsewhere says the same as the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.guards import MAX_BODY
from tests.unit.test_settings import PRODUCTION

ROOT = Path(__file__).parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


def test_two_replicas_stand_behind_a_proxy() -> None:
    bots = {name for name in COMPOSE["services"] if name.startswith("bot-")}
    proxy = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    assert len(bots) == 2
    assert set(re.findall(r"server (\S+):8000", proxy)) == bots
    assert set(COMPOSE["services"]["proxy"]["depends_on"]) == bots


@pytest.mark.parametrize("name", ["bot-1", "bot-2", "actions"])
def test_a_replica_is_told_what_production_asks_for(name: str) -> None:
    environment = COMPOSE["services"][name]["environment"]
    assert environment.keys() >= PRODUCTION.keys()
    assert environment["TELLER_ENV"] == "production"


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    for name in ("TELLER_SECRET", "TELLER_TOKEN_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert re.search(rf"\$\{{{name}:\?", text), name
        assert not re.search(rf"\$\{{{name}:?-", text), name
    example = (ROOT / "deploy" / "example.env").read_text("utf-8")
    assert re.findall(r"^(\w+)=(.+)$", example, re.MULTILINE) == []


def test_the_engine_is_an_option() -> None:
    assert COMPOSE["services"]["engine"]["profiles"] == ["engine"]
    assert [name for name, service in COMPOSE["services"].items() if "profiles" in service] == ["engine"]


def test_the_proxy_lets_through_what_the_bot_takes() -> None:
    proxy = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    [limit] = re.findall(r"client_max_body_size (\d+)k;", proxy)
    assert int(limit) * 1024 == MAX_BODY
    assert "proxy_buffering off" in proxy
