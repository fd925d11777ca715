"""What the tests of the search share."""

from __future__ import annotations

import pytest

from lince.training import reporting


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report has tests of its own and takes most of the time of a tiny run."""
    monkeypatch.setattr(reporting, "write_report", lambda *_, **__: None)
