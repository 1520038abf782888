"""The documents of our own API, as ``make openapi`` writes them down.

python -m bot.documents                 the OpenAPI document, to standard output
python -m bot.documents --async         the AsyncAPI document: events, and both ways of the webhook
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from bot.app import create_app
from bot.described import REF
from bot.described_async import asyncapi
from bot.settings import Settings

OTHERS = ("/demo/", "/desk")
"""Paths of the demo's own page and of the console, which are nobody's to program against."""


def openapi() -> dict[str, Any]:
    """The OpenAPI document of what a production server answers to others."""
    # Not of this machine's environment: the document is the same everywhere.
    app = create_app(Settings.model_construct(env="production"))
    document = json.loads(json.dumps(app.openapi()))
    document["paths"] = {path: item for path, item in document["paths"].items() if not path.startswith(OTHERS)}
    return _without_unused(document)


def _without_unused(document: dict[str, Any]) -> dict[str, Any]:
    """*document* without the schemas that nothing in it names."""
    schemas = document["components"].pop("schemas")
    text, kept = json.dumps(document), set[str]()
    while found := {name for name in schemas if f'"{REF.format(model=name)}"' in text} - kept:
        kept |= found
        text = json.dumps([schemas[name] for name in found])
    document["components"]["schemas"] = {name: schema for name, schema in schemas.items() if name in kept}
    return document


def main(arguments: list[str] | None = None) -> None:
    """Write one of the documents."""
    parser = argparse.ArgumentParser(prog="python -m bot.documents", description=main.__doc__)
    parser.add_argument("--async", action="store_true", dest="asynchronous", help="the AsyncAPI document")
    document = asyncapi() if parser.parse_args(arguments).asynchronous else openapi()
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
