"""The pages for people: the reading page, the description of the interface, static files, samples."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from lince.serving.describing import describe, operations, pretty, prose, schema_name
from lince.serving.figures import figure
from lince.serving.language import COOKIE, LOCALES, Language, choose, language, named
from lince.serving.reading import ReadingRoom
from lince.serving.samples import SampleShelf, Thumbnails
from lince.serving.schemas import VERSION

if TYPE_CHECKING:
    from lince.inference import Bundle

_YEAR = 365 * 24 * 3600
STATIC = Path(str(files("lince.serving") / "static"))


@cache
def static_address(name: str) -> str:
    """The address of a static file, with its hash so that browsers may keep it for ever."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:16]}"


@cache
def environment(name: str) -> Environment:
    """Templates in one language; everything is escaped, class and file names come from strangers."""
    made = Environment(
        loader=PackageLoader("lince.serving"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    words = language(name)
    made.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, lambda one, many, n: words.gettext(one if n == 1 else many), newstyle=True
    )
    made.filters["prose"] = prose
    made.globals |= {
        "static": static_address,
        "language": words,
        "languages": [language(other) for other in LOCALES],
        "version": VERSION,
        "figure": figure,
        "pretty": pretty,
        "schema_name": schema_name,
    }
    return made


def mount_static(app: FastAPI) -> None:
    """Serve the style sheet and the scripts."""
    app.mount("/static", StaticFiles(directory=STATIC), name="static")


def build_router(app: FastAPI, room: ReadingRoom, shelf: SampleShelf, limit: int) -> APIRouter:
    """The routes that are pages and pictures; OpenAPI leaves them out."""
    router = APIRouter(include_in_schema=False)
    bundle = room.predictor.bundle
    thumbnails = Thumbnails(shelf, room.predictor)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def page(request: Request, lang: str | None = None) -> Response:
        name = choose(request.headers.get("accept-language", ""), lang, request.cookies.get(COOKIE))
        words = language(name)
        html = (
            environment(name)
            .get_template("page.html")
            .render(page_facts(bundle, shelf, words, limit, reads_text=room.predictor.reads_text))
        )
        answer = HTMLResponse(html, headers={"Content-Language": words.tag, "Vary": "Accept-Language, Cookie"})
        if named(lang):
            answer.set_cookie(COOKIE, name, max_age=_YEAR, httponly=True, samesite="lax")
        return answer

    @router.api_route("/api/docs", methods=["GET", "HEAD"])
    async def docs() -> Response:
        document = describe(app)
        facts = {"document": document, "operations": operations(document)}
        return HTMLResponse(environment(LOCALES[0]).get_template("api.html").render(facts))

    @router.get("/samples/{name:path}")
    async def sample(name: str, thumbnail: bool = False) -> Response:
        path = shelf.files.get(name)
        if path is None or not path.is_file():
            raise HTTPException(404)
        if not thumbnail:
            return FileResponse(path, media_type=shelf.media_type(path))
        made = await room.in_thread(lambda: thumbnails.of(name))
        if made is None:
            raise HTTPException(404)
        return Response(made[0], media_type=made[1])

    return router


def page_facts(bundle: Bundle, shelf: SampleShelf, words: Language, limit: int, *, reads_text: bool) -> dict[str, Any]:
    """What the reading page's template needs."""
    shown = words.class_names(bundle.labels.names)
    return {
        "bundle": bundle,
        "summary": bundle.summary(),
        "class_names": shown,
        "samples": list(shelf.files),
        "limit": limit,
        "reads_text": reads_text,
        "script": {"messages": words.script_messages, "classes": shown, "limit": limit},
    }
