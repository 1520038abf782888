"""Who may import whom: ``bot`` → all; ``responses`` → results and values; ``intents`` → values; ``backends`` → nothing of ours."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("bot", "intents", "backends", "responses")
ALLOWED = {
    "bot": ("bot", "intents", "backends", "responses"),
    "responses": ("responses", "backends.result", "backends.values"),
    "intents": ("intents", "backends.values"),
    "backends": ("backends",),
}
TRAINING_ONLY = ("torch", "transformers", "sklearn", "accelerate", "onnx", "safetensors")


def imports(source: str, module: str) -> Iterator[str]:
    """The modules that *source* names, with relative ones made whole; ``from a import b`` counts as ``a`` and ``a.b``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: -node.level]
                base = ".".join([*parents, base] if base else parents)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def foreign(room: str, source: str, module: str) -> list[str]:
    """What *module* of *room* imports from a room it must not know."""
    return [
        name
        for name in imports(source, module)
        if name.split(".")[0] in ROOMS
        and not any(name == allowed or name.startswith(f"{allowed}.") for allowed in ALLOWED[room])
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    broken = {}
    for path in sorted((ROOT / room).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if found := foreign(room, path.read_text("utf-8"), module):
            broken[module] = found
    assert broken == {}


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("backends", "from bot.parts import Clock"),
        ("backends", "import responses"),
        ("intents", "from backends.result import Fact"),
        ("intents", "from backends import result"),
        ("responses", "from backends.local import LocalActions"),
        ("responses", "def f():\n    import intents.serve"),
        ("responses", "from ..bot import app"),
    ],
)
def test_a_forbidden_import_is_seen(room: str, line: str) -> None:
    assert foreign(room, line, f"{room}.module")


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("responses", "from backends import values"),
        ("responses", "from backends.result import Fact"),
        ("intents", "from backends.values import read_amount"),
        ("bot", "from backends.local import LocalActions"),
    ],
)
def test_an_allowed_import_is_left_alone(room: str, line: str) -> None:
    assert foreign(room, line, f"{room}.module") == []


def test_the_tests_are_no_part_of_the_product() -> None:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            named = {name.split(".")[0] for name in imports(path.read_text("utf-8"), room)}
            assert "tests" not in named, path


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh process holds after *statement*."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_what_serves_does_not_import_what_trains() -> None:
    assert not loaded_by("import bot.app, bot.chat, bot.check, backends.server") & set(TRAINING_ONLY)


def test_the_command_line_starts_without_the_rest_of_the_house() -> None:
    assert not loaded_by("import bot.cli") & {"fastapi", "sqlalchemy", "onnxruntime", "numpy", "pydantic", "uvicorn"}


def test_a_served_bot_needs_no_action_server() -> None:
    assert not loaded_by("import bot.app") & {"rasa_sdk", "sanic"}
