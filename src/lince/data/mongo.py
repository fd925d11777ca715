"""MongoDB: the connection, and the one place where pymongo is spoken to.

Everything a server does wrong becomes one `LinceError` that names the server and never the password.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar, final
from urllib.parse import unquote

from lince.core.addresses import without_credentials
from lince.core.errors import ConfigError, LinceError, SourceError
from lince.core.extras import require
from lince.data.documents import Document

T = TypeVar("T")

SCHEMES = ("mongodb://", "mongodb+srv://")

# Milliseconds; each can be given in the address instead.
_PATIENCE = {"serverSelectionTimeoutMS": 5_000, "connectTimeoutMS": 5_000, "socketTimeoutMS": 30_000}
_BATCH = 500
_TRIES, _PAUSE = 3, 0.5
_UNAUTHORISED, _WRONG_LOGIN, _EXPIRED = 13, 18, 50
# A collection was renamed or dropped under a cursor: not found, plan killed, dropped.
_MOVED = frozenset({43, 175, 136})
_MARKERS, _MARKER = "Lince_collection", "collection"
_TAKE_OVER = timedelta(seconds=30)


class MovedError(Exception):
    """What was being read has been replaced; read again."""


@dataclass(frozen=True, slots=True)
class Address:
    """A database on a server.

    Attributes
    ----------
    uri
        For the driver; may hold a password, so it is never shown.
    database
        Name of the database.
    shown
        For people.
    target, root
        Lince's own options in the address: what to classify by, and where the images lie on this machine.
    """

    uri: str
    database: str
    shown: str
    target: str | None = None
    root: str | None = None

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"


def parse_address(text: str) -> Address:
    """Parse ``mongodb://HOST/DATABASE?target=location``.

    Raises
    ------
    ConfigError
        Not such an address, or one without a database.
    """
    shown = without_credentials(text)
    before, _, query = text.partition("?")
    place = without_credentials(before).partition("://")[2]
    name = unquote(place.partition("/")[2].strip("/"))
    if not text.startswith(SCHEMES) or not name or set(name) & set('/\\. "$*<>:|'):
        raise ConfigError(
            "This is not the address of a database", received=shown, fix="write mongodb://HOST:27017/DATABASE"
        )
    pieces = [piece.partition("=") for piece in query.split("&") if piece]
    own = {key: unquote(value) for key, _, value in pieces if key in ("target", "root")}
    rest = "&".join(f"{key}{mark}{value}" for key, mark, value in pieces if key not in own)
    uri = before + (f"?{rest}" if rest else "")
    return Address(uri, name, shown, own.get("target") or None, own.get("root") or None)


@contextmanager
def connect(address: Address, failure: type[LinceError] = SourceError) -> Iterator[Database]:
    """A database whose server has answered; closed at the end.

    User and password may stand in the address or in ``LINCE_MONGODB_USER`` and ``LINCE_MONGODB_PASSWORD``.

    Raises
    ------
    MissingExtraError
        pymongo is not installed.
    ConfigError
        The driver does not understand the address.
    LinceError
        Of the kind ``failure``: no answer in time, wrong user or password, no permission.
    """
    pymongo = require("pymongo")
    errors = require("pymongo").errors
    given = address.uri.partition("?")[2].lower()
    options: dict[str, Any] = {name: value for name, value in _PATIENCE.items() if f"{name.lower()}=" not in given}
    login = os.environ.get("LINCE_MONGODB_USER")
    if login and "@" not in address.uri:
        options |= {"username": login, "password": os.environ.get("LINCE_MONGODB_PASSWORD", "")}
    try:
        client = pymongo.MongoClient(address.uri, appname="lince", **options)
    except (errors.PyMongoError, ValueError, TypeError):
        # The driver's message may quote the password.
        raise ConfigError(
            "The address of the MongoDB server is not understood",
            received=address.shown,
            fix="check it; special characters in user and password must be percent-encoded",
        ) from None
    try:
        database = Database(address, client, failure)
        database.ping()
        yield database
    finally:
        client.close()


@final
class Database:
    """One database, and what lince asks of it. Every method raises the ``failure`` it was connected with."""

    def __init__(self, address: Address, client: Any, failure: type[LinceError]) -> None:
        self.address = address
        self._client = client
        self._base = client[address.database]
        self._failure = failure

    def ping(self) -> None:
        """Ask for an answer, with the right to read."""
        self._call(lambda: self._base[_MARKERS].find_one({"_id": _MARKER}, {"_id": 1}))

    def marker(self) -> Document | None:
        """What stands in the database, and whether it is whole."""
        found: Document | None = self._call(lambda: self._base[_MARKERS].find_one({"_id": _MARKER}))
        return found

    def find(self, collection: str, query: Mapping[str, Any], fields: Sequence[str] = ()) -> list[Document]:
        """Documents that a query finds; with ``fields``, these alone."""
        shown = dict.fromkeys(fields, 1) or None
        return self._call(lambda: list(self._base[collection].find(query, shown, batch_size=5_000)))

    def distinct(self, collection: str, field: str) -> list[Any]:
        """Values of a field."""
        return self._call(lambda: list(self._base[collection].distinct(field)))

    def count(self, collection: str) -> int:
        """Documents in a collection."""
        return int(self._call(lambda: self._base[collection].count_documents({})))

    def names(self) -> list[str]:
        """Names of the collections."""
        return sorted(self._call(self._base.list_collection_names))

    def create(self, collection: str, indexes: Sequence[tuple[tuple[str, ...], bool]]) -> None:
        """Make an empty collection with indexes, each of some fields and unique or not."""
        self._call(lambda: self._base.create_collection(collection))
        for fields, unique in indexes:
            keys = [(field, 1) for field in fields]
            self._call(partial(self._base[collection].create_index, keys, unique=unique))

    def upsert(self, collection: str, documents: Sequence[Document]) -> Iterator[int]:
        """Write documents by their id, in batches; yields how many are written. Writing one again changes nothing."""
        replace_one = require("pymongo").ReplaceOne
        for start in range(0, len(documents), _BATCH):
            batch = documents[start : start + _BATCH]
            orders = [replace_one({"_id": document["_id"]}, document, upsert=True) for document in batch]
            self._call(partial(self._base[collection].bulk_write, orders, ordered=False))
            yield start + len(batch)

    def drop(self, collection: str) -> None:
        """Remove a collection."""
        self._call(lambda: self._base.drop_collection(collection))

    def rename(self, collection: str, name: str) -> None:
        """Put a collection in the place of another, in one step of the server."""
        # Not tried again: when the answer is lost, the second attempt would find nothing to rename.
        self._call(lambda: self._base[collection].rename(name, dropTarget=True), tries=1)

    def take(self, token: str) -> bool:
        """Mark the database as being switched by ``token``; False when another is at it."""
        now = self._now()
        free = {"_id": _MARKER, "$or": [{"state": {"$ne": "switching"}}, {"at": {"$lt": now - _TAKE_OVER}}]}
        order = {"$set": {"state": "switching", "by": token, "at": now}}
        duplicate = require("pymongo").errors.DuplicateKeyError

        def attempt() -> bool:
            try:
                self._base[_MARKERS].update_one(free, order, upsert=True)
            except duplicate:
                return False
            return True

        return bool(self._call(attempt, tries=1))

    def settle(self, token: str, marker: Document | None) -> None:
        """End what `take` began, with the marker that then holds, or with none."""
        mine = {"_id": _MARKER, "by": token}
        if marker is None:
            self._call(lambda: self._base[_MARKERS].delete_one(mine))
            return
        whole = {**marker, "_id": _MARKER, "by": token}
        if self._call(lambda: self._base[_MARKERS].replace_one(mine, whole).matched_count) != 1:
            raise self._failure("Another lince stored into this database meanwhile", received=self.address.shown)

    def _now(self) -> datetime:
        """The server's clock: those of two writers may differ."""
        now: datetime = self._call(lambda: self._client.admin.command("hello")["localTime"])
        return now

    def _call(self, action: Callable[[], T], tries: int = _TRIES) -> T:
        errors = require("pymongo").errors
        while True:
            tries -= 1
            try:
                return action()
            except errors.AutoReconnect as error:
                # Choosing a server has its own patience already; a broken connection is tried again.
                if tries <= 0 or isinstance(error, (errors.ServerSelectionTimeoutError, errors.NetworkTimeout)):
                    raise self._no_answer(error) from None
                time.sleep(_PAUSE)
            except errors.PyMongoError as error:
                raise self._refused(error) from None

    def _no_answer(self, error: Exception) -> LinceError:
        slow = isinstance(error, require("pymongo").errors.NetworkTimeout)
        return self._failure(
            "The MongoDB server did not answer in time" if slow else "The MongoDB server cannot be reached",
            received=self.address.shown,
            fix="check that it runs and that host and port are right; "
            "?serverSelectionTimeoutMS=20000&socketTimeoutMS=120000 in the address waits longer",
        )

    def _refused(self, error: Any) -> LinceError | MovedError:
        code = getattr(error, "code", None)
        shown = self.address.shown
        if code in _MOVED:
            return MovedError()
        if code == _WRONG_LOGIN:
            return self._failure(
                "The MongoDB server does not accept this user and password",
                received=shown,
                fix="check both; where the user belongs to another database, add ?authSource=admin to the address",
            )
        if code == _UNAUTHORISED:
            return self._failure(
                f"This user may not use the database {self.address.database}",
                received=shown,
                fix="give user and password in LINCE_MONGODB_USER and LINCE_MONGODB_PASSWORD, or ask for the right",
            )
        if code == _EXPIRED or getattr(error, "timeout", False):
            return self._no_answer(require("pymongo").errors.NetworkTimeout())
        told = (getattr(error, "details", None) or {}).get("codeName") or type(error).__name__
        return self._failure(f"The MongoDB server refused: {told}", received=shown, fix="see the server's log")
