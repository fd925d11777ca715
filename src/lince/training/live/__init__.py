"""A page that shows a training while it runs: a listener on the bus, and a small server of this computer."""

from __future__ import annotations

from lince.training.live.page import LivePage, live_page

__all__ = ["LivePage", "live_page"]
