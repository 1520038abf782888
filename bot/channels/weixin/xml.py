"""The platform's XML: one flat element of named texts. Whatever else XML can do is refused before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from bot.channels.weixin.crypto import Refused

MAX_BYTES = 16_384
MAX_DEPTH = 6
MAX_ELEMENTS = 200


def parse(body: bytes) -> dict[str, str]:
    """The texts of the root's own children by their names; what is nested deeper is left out.

    Raises ``Refused`` for what is too large or malformed, and for any document type: without one there are no entities to
    expand and nothing external to fetch.
    """
    if len(body) > MAX_BYTES:
        raise Refused
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except (expat.ExpatError, UnicodeError, ValueError):
        raise Refused from None
    return reader.fields


def build(fields: Mapping[str, str | int]) -> str:
    """An ``<xml>`` element: numbers as they are, texts as CDATA."""
    return f"<xml>{''.join(f'<{name}>{_text(value)}</{name}>' for name, value in fields.items())}</xml>"


def _text(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"


class _Reader:
    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._depth = 0
        self._elements = 0
        self._name = ""
        # The encoding is ours to say: another one could hide a declaration from whoever looks at the bytes.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.ProcessingInstructionHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _refuse(self, *_: Any) -> None:
        raise Refused

    def _start(self, name: str, _: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise Refused
        if self._depth == 2:
            if name in self.fields:
                # Two of a name: whoever checks the one and uses the other is fooled.
                raise Refused
            self._name = name
            self.fields[name] = ""

    def _end(self, _: str) -> None:
        self._depth -= 1

    def _characters(self, text: str) -> None:
        if self._depth == 2:
            self.fields[self._name] += text
