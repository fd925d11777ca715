"""Flags that derive from pydantic fields: an option is written once, in its model."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

LogDir = Annotated[
    Path | None, typer.Option("--log-dir", help="Folder for logs as JSON lines.", file_okay=False, show_default=False)
]


def _share(text: str) -> float:
    """``10%`` or ``0.1``."""
    number = text.strip()
    try:
        share = float(number[:-1]) / 100 if number.endswith("%") else float(number)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no share; write 10% or 0.1.") from error
    if share > 1 and not number.endswith("%"):
        raise typer.BadParameter(f"{text!r} is more than every image; write {number}% or {share / 100:g}.")
    return share


Refer = Annotated[
    float | None,
    typer.Option(
        "--refer",
        parser=_share,
        metavar="SHARE",
        help="Mark the least certain predictions for a person to decide: this share of images, such as 10%.",
        show_default=False,
    ),
]

Caption = Annotated[
    str | None,
    typer.Option(
        "--caption",
        help="What is said of the image, for a bundle that reads text; without an image, the caption alone.",
        show_default=False,
    ),
]

SourceArgument = Annotated[
    str,
    typer.Argument(
        help="Labelled images: a folder of class folders, a MedMNIST name (breastmnist, ...) or npz, "
        "or another kind as KIND:LOCATION; see docs/data.md."
    ),
]


def with_options(model: type[BaseModel]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a verb one flag per field of ``model``; the verb receives those that were used as ``chosen``.

    A flag left out is not in ``chosen``, so that a configuration file, or the model's default, decides. A parameter of
    the verb's own takes the place of a field of its name.
    """

    def decorate(verb: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(verb, eval_str=True)
        own = [p for name, p in signature.parameters.items() if name != "chosen"]
        fields = {name: field for name, field in model.model_fields.items() if name not in signature.parameters}
        flags = [_flag(name, field) for name, field in fields.items()]

        @functools.wraps(verb)
        def wrapper(**values: Any) -> Any:
            chosen = {name: values.pop(name) for name in fields}
            return verb(**values, chosen={name: value for name, value in chosen.items() if value not in (None, [])})

        keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *flags)]
        wrapper.__signature__ = signature.replace(parameters=keyword)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in keyword}
        return wrapper

    return decorate


def _flag(name: str, field: FieldInfo) -> inspect.Parameter:
    help_text = f"{field.description}." if field.description else ""
    flag = f"--{name.replace('_', '-')}"
    kind = _plain_type(field.annotation)
    short = ("--lang",) if name == "language" else ()
    if kind is bool:
        flag = f"{flag}/--no-{flag[2:]}"
    default = field.default
    if default is not None and default != ():
        shown = ("on" if default else "off") if kind is bool else default
        help_text += f" [default: {shown}]"
    annotation: Any = Annotated[typing.Optional[kind], typer.Option(flag, *short, help=help_text, show_default=False)]  # noqa: UP045
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _plain_type(annotation: Any) -> Any:
    """``int | None`` to int, ``tuple[str, ...]`` to list[str]; a Literal stays, typer offers its values."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return next(a for a in typing.get_args(annotation) if a is not type(None))
    if typing.get_origin(annotation) is tuple:
        return list[typing.get_args(annotation)[0]]  # type: ignore[misc]
    return annotation
