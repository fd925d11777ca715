"""OpenAPI, and a page of it that needs no network."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from markupsafe import Markup, escape

from lince.serving.problems import TITLES
from lince.serving.schemas import VERSION, Problem

_METHODS = ("get", "post", "put", "patch", "delete")


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the one error shape among its schemas; built once."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(
        title="lince",
        version=VERSION,
        summary="Classify medical images. For research use only; not a medical device.",
        description="Errors of every kind are problem details (RFC 9457). Class names, never numbers.",
        routes=app.routes,
    )
    schema = Problem.model_json_schema()
    schema["example"] = {
        "type": "urn:lince:problem:upload",
        "title": TITLES["upload"],
        "status": 422,
        "detail": "The file is empty (received: scan.png); send an image.",
        "instance": "urn:uuid:0b1c9f0e-7d2a-4f0e-9c39-5a9e8b0a6f11",
    }
    document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = schema
    app.openapi_schema = document
    return document


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Operations in the order of the document, each with its method and path, for the template."""
    return [
        {"method": method.upper(), "path": path, **item[method]}
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    ]


def schema_name(schema: dict[str, Any]) -> str:
    """A schema in a few words: ``array of string``, ``number or null``, ``PredictionAnswer``."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "anyOf" in schema:
        return " or ".join(schema_name(part) for part in schema["anyOf"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {schema_name(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {schema_name(schema['additionalProperties'])}"
    return "binary" if schema.get("format") == "binary" else str(kind)


def prose(text: str) -> Markup:
    """A description with its `code` marked up; everything else is escaped."""
    parts = escape(text).split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def pretty(value: object) -> str:
    """Indented JSON for an example."""
    return json.dumps(value, indent=2, ensure_ascii=False)
