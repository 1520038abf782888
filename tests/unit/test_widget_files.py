"""The widget as files: small, alone, typed, and without a way to take text for markup."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "bot" / "web"
MODULES = [WEB / "widget.js", *sorted((WEB / "widget").glob("*.js"))]
MOST = 30 * 1024
"""Bytes of all that a page loads for it, compressed file by file."""
TYPESCRIPT = "typescript@5.9.3"
"""What `make types` asks for, too."""


def test_all_that_a_page_loads_is_at_most_thirty_kilobytes() -> None:
    assert sum(len(gzip.compress(file.read_bytes(), mtime=0)) for file in MODULES) <= MOST


def test_the_widget_imports_nothing_but_its_own_modules() -> None:
    reached, due = {WEB / "widget.js"}, [WEB / "widget" / "chat.js"]
    while due:
        file = due.pop()
        reached.add(file)
        named = re.findall(r'^(?:import|export) .*from "([^"]+)";$', file.read_text("utf-8"), re.MULTILINE)
        due += {(file.parent / name).resolve() for name in named} - reached
    assert sorted(reached) == sorted(MODULES)


@pytest.mark.parametrize(
    "way",
    [
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "createContextualFragment", "setHTML",
        "eval(", "new Function", "srcdoc", "javascript:", "cookie", 'setAttribute("style"', 'setAttribute("on',
    ],
)  # fmt: skip
def test_no_module_has_a_way_to_take_text_for_markup_or_code(way: str) -> None:
    assert [file.name for file in MODULES if way in file.read_text("utf-8")] == []


def test_both_languages_say_everything() -> None:
    words = (WEB / "widget" / "words.js").read_text("utf-8")
    zh, en = (set(re.findall(r"^    (\w+):", half, re.MULTILINE)) for half in words.split("\n  en: {"))
    assert zh == en - {"year"}


def test_the_types_hold() -> None:
    """Where no compiler is at hand this is skipped, loudly: `make types` fetches one."""
    compiler = _compiler()
    if compiler is None:
        pytest.skip("NO TYPESCRIPT: the widget's types are NOT checked (run `make types` once)")
    checked = subprocess.run(
        [*compiler, "--project", "bot/web/widget/tsconfig.json"], cwd=WEB.parents[1], capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def _compiler() -> list[str] | None:
    """A compiler that needs no network: on the path, or in npm's cache where `make types` left it."""
    if found := shutil.which("tsc"):
        return [found]
    if not (npx := shutil.which("npx")):
        return None
    cached = [npx, "--offline", "--yes", "--package", TYPESCRIPT, "tsc"]
    asked = subprocess.run([*cached, "--version"], capture_output=True, text=True)
    return cached if asked.returncode == 0 else None
