"""transformers without its progress bars and warnings, which are not for the user."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Load a model without a word on the terminal."""
    import transformers

    level = transformers.logging.get_verbosity()
    _untyped(transformers.logging.set_verbosity_error)()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        _untyped(transformers.logging.set_verbosity)(level)


def _untyped(function: Any) -> Any:
    """A function of the library that has no types, called as such."""
    return function
