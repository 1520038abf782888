"""The log sink: what no record of this process may hold is hidden when the record is made, whoever writes it where.

Errors are logged by type, not by their words, wherever a customer's words are near. This is the net under that rule: it
knows personal data by its form, and a name has none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from responses.mask import HIDDEN, Vault, mask_personal

_SECRETS = (
    # A conversation's secret, a binding link, a bearer credential, a JWT, the password of a URL: the surest first.
    (re.compile(r"(?<![0-9A-Za-z])([0-9a-f]{24})~[\w-]+"), rf"\1~{HIDDEN}"),
    (re.compile(r"(/bind/)[\w-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer|basic)\s+[^\s'\",;]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<![\w-])eyJ[\w-]+(?:\.[\w-]*){1,4}"), HIDDEN),
    (re.compile(r"://[^\s/@'\"]+@"), f"://{HIDDEN}@"),
)
_QUERY = re.compile(r"(?<=[\w/%=-])\?[^\s'\"<>]+")
_CONVERSATION = re.compile(r"((?<![0-9A-Za-z])(?=[0-9]*[a-f])[0-9a-f]{24}(?![0-9A-Za-z]))")
"""An id of ours: it says nothing about anybody, and operators search for it. A run of digits is none."""
_SPACE = re.compile(r"(\s+)")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")


def redact(text: str) -> str:
    """*text* as it may be logged: without secrets, queries of URLs, and whatever has the form of personal data."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    text = _QUERY.sub(f"?{HIDDEN}", text)
    if _ESCAPED.search(text):
        text = "".join(map(_unescaped, _SPACE.split(text)))
    vault = Vault()
    return "".join(
        part if _CONVERSATION.fullmatch(part) else mask_personal(part, vault).text for part in _CONVERSATION.split(text)
    )


def install() -> None:
    """Redact every record that is made from now on in this process, for whatever logger and handler."""
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def redacted(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return _redact(make(*args, **kwargs))

    redacted.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(redacted)


def _redact(record: logging.LogRecord) -> logging.LogRecord:
    # One by one first: some formatters, uvicorn's for requests, read the arguments and not the message.
    if isinstance(record.args, Mapping):
        record.args = {name: _argument(value) for name, value in record.args.items()}
    elif record.args:
        record.args = tuple(_argument(value) for value in record.args)
    try:
        message = record.getMessage()
    except Exception:
        # It does not fit its arguments; whoever formats it says so, and shows both.
        record.msg = redact(str(record.msg))
    else:
        hidden = redact(message)
        if hidden != message:
            record.msg, record.args = hidden, ()
    if record.exc_info:
        # As text, and only as text: a handler that got the exception itself would show its words.
        record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        record.exc_info = None
    if record.stack_info:
        record.stack_info = redact(record.stack_info)
    return record


def _argument(value: object) -> object:
    return redact(value) if isinstance(value, str) else value


def _unescaped(word: str) -> str:
    """*word*, or nothing of it where its escapes hide what must not be shown."""
    plain = unquote(word)
    return word if redact(plain) == plain or plain == word else HIDDEN
