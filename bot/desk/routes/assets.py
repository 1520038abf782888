"""What the desk's pages are made of: its style, its script, and HTMX."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import FileResponse

from bot.desk.access import public
from bot.desk.routes.rendering import WEB
from bot.problems import not_found

ASSETS = {file.name: file for file in (WEB / "assets").iterdir() if file.suffix in (".css", ".js")}

router = APIRouter()


@router.get("/assets/{name}")
@public
async def asset(name: str) -> FileResponse:
    """One of the files."""
    if name not in ASSETS:
        raise not_found()
    # Browsers ask again each time: a new release is seen at once.
    return FileResponse(ASSETS[name], headers={"Cache-Control": "no-cache"})
