"""Passwords are never shown."""

from __future__ import annotations

import pytest

from lince.core.addresses import without_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mongodb://u:p@host:1/db", "mongodb://host:1/db"),
        ("mongodb+srv://u:p@host/db?target=type&tls=true&root=/x", "mongodb+srv://host/db?target=type&root=/x"),
        ("mongodb://u:p@ss/w?rd@a:1,b:2/db", "mongodb://a:1,b:2/db"),
        ("mongodb://host/db?tlsCertificateKeyFilePassword=p", "mongodb://host/db"),
        ("https://u:p@host/x", "https://host/x"),
        ("folder/with@sign", "folder/with@sign"),
        ("C:\\images", "C:\\images"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
