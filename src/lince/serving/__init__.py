"""The web service: a page for people, REST for programs, one error shape for both.

`create_app` builds the application around a predictor; `serve` runs it on this computer.
"""

from __future__ import annotations

from lince.serving.app import create_app
from lince.serving.server import serve

__all__ = ["create_app", "serve"]
