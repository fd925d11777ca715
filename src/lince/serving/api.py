"""The REST interface, version 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from lince.serving.reading import Origin, ReadingRoom
from lince.serving.schemas import RESEARCH_USE, VERSION, HealthAnswer, ModelAnswer, PredictionAnswer
from lince.serving.upload import read_upload

if TYPE_CHECKING:
    from lince.inference import Bundle

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "One image: PNG, JPEG, TIFF, BMP, WebP or DICOM. The content decides, not the name or the type.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "The image."},
                        "image": {"type": "string", "format": "binary", "description": "Another name for `file`."},
                        "caption": {
                            "type": "string",
                            "description": "What is said of the image, beside the file or instead of it, where the "
                            "model reads text.",
                        },
                    },
                }
            },
            "image/*": _BINARY,
            "application/dicom": _BINARY,
            "application/octet-stream": _BINARY,
        },
    }
}
_ERRORS: dict[int, str] = {
    400: "A damaged form.",
    403: "The request comes from another web site.",
    408: "The upload stopped arriving.",
    413: "The upload is over the limit.",
    415: "A body that cannot hold an image.",
    421: "The Host header does not name this computer.",
    422: "No image, several, or one that cannot be read.",
    500: "A fault of the server.",
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, for OpenAPI."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _ERRORS[status], "content": content} for status in statuses}


def model_facts(bundle: Bundle, *, reads_caption: bool) -> dict[str, Any]:
    """What ``GET /model`` tells."""
    return {
        "name": bundle.name,
        "model_id": bundle.model_id,
        "created": bundle.created,
        "version": VERSION,
        "labels": list(bundle.labels.names),
        "positive": bundle.labels.positive,
        "threshold": bundle.threshold,
        "trust": bundle.trust.model_dump(mode="json", exclude={"referral"}),
        "reads_caption": reads_caption,
        "spec": bundle.spec.model_dump(mode="json"),
        "figures": bundle.summary(),
        "synthetic": bundle.synthetic,
        "research_use": RESEARCH_USE,
    }


def build_router(room: ReadingRoom) -> APIRouter:
    """The routes under ``/api/v1``."""
    router = APIRouter(prefix="/api/v1", tags=["v1"])
    bundle = room.predictor.bundle
    facts = model_facts(bundle, reads_caption=room.predictor.reads_text)

    @router.post(
        "/predictions",
        summary="Classify one image",
        response_model=PredictionAnswer,
        response_description="The prediction.",
        responses=responses(*_ERRORS),
        openapi_extra=_BODY,
    )
    async def predict(
        request: Request,
        explain: Annotated[bool, Query(description="Add `preview`, `heat_map` and `words`.")] = False,
        name: Annotated[
            str | None, Query(max_length=1000, description="The image's name, when the body is the image itself.")
        ] = None,
        caption: Annotated[
            str | None, Query(description="What is said of the image, when the body is the image itself.")
        ] = None,
    ) -> Response:
        """Send an image, get its class by name with calibrated probabilities.

        `curl -F file=@scan.png http://127.0.0.1:8080/api/v1/predictions`
        """
        upload = await read_upload(request, name, caption)
        # Browsers say where a request comes from; programs do not.
        origin: Origin = "web" if "sec-fetch-site" in request.headers else "api"
        return JSONResponse(await room.predict(upload, explain=explain, origin=origin))

    @router.get(
        "/model",
        summary="About this model",
        response_model=ModelAnswer,
        response_description="What is known of it.",
        responses=responses(421, 500),
    )
    async def model() -> Response:
        """Class names, operating point, how images are prepared, and figures on the test images with intervals."""
        return JSONResponse(facts)

    @router.get(
        "/health",
        summary="Is it up?",
        response_model=HealthAnswer,
        response_description="It is.",
        responses=responses(421, 500),
    )
    async def health() -> Response:
        """Answers as soon as the model is loaded."""
        return JSONResponse({"status": "ok", "model_id": bundle.model_id, "version": VERSION})

    return router
