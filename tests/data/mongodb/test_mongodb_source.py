"""A stored collection as a source: filters run by the server, targets, and everything a server does wrong."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import REAL, Wire
from lince.cli import main
from lince.core.errors import ConfigError, LinceError, MissingExtraError, OutputError, SourceError
from lince.data import load
from lince.data.mongo import Database, MovedError
from lince.data.store import store


@pytest.fixture
def stored(medpix: Path, address: str) -> str:
    store(load(medpix), address)
    return address


def facts(collection: Any) -> list[tuple[Any, ...]]:
    return sorted((s.name, s.path, s.label, s.group, s.split, sorted(s.attributes.items())) for s in collection.samples)


@pytest.mark.parametrize("target", ["type", "location"])
def test_what_was_stored_comes_back_whole(medpix: Path, stored: str, target: str) -> None:
    first, back = load(medpix, target=target), load(f"{stored}?target={target}")
    assert facts(back) == facts(first)
    assert back.labels == first.labels
    assert facts(load(stored, target=target)) == facts(first)
    assert load(stored).digest() == load(stored).digest()


@pytest.mark.parametrize(
    ("where", "images"),
    [
        (["age>=45"], 4),
        (["age>=18", "age<61"], 3),
        (["sex=FEMALE"], 3),
        (["sex!=female", "age>17"], 4),
        (["plane=AXIAL", "label=Abdomen,spine"], 5),
        (["age=73,30"], 3),
        (["split=val"], 2),
        (["group=mpx1,MPX3"], 3),
        (["group!=MPX1"], 5),
        (["Sex==FEMALE"], 3),
    ],
)
def test_the_server_runs_the_filter(medpix: Path, stored: str, wire: Wire, where: list[str], images: int) -> None:
    expected = load(medpix, where=where, target="location")
    back = load(stored, where=where, target="location")
    assert facts(back) == facts(expected)
    # Of all that is stored, though the server sent only these.
    (told,) = [notice for notice in back.notices if notice.startswith("--where")]
    assert told in expected.notices
    assert f"kept {images} of 7 images" in told
    assert wire.found["Image_Descriptions"] == images == len(back)
    assert wire.filters("Image_Descriptions")[-1] != {}


@pytest.mark.parametrize(
    ("where", "images"), [("category=trauma", 4), ("category!=Trauma", 3), ("history=history 3,history 4", 2)]
)
def test_the_server_finds_cases_by_their_report(medpix: Path, stored: str, wire: Wire, where: str, images: int) -> None:
    assert facts(load(stored, where=[where])) == facts(load(medpix, where=[where]))
    assert wire.found["Image_Descriptions"] == images
    cases = wire.filters("Image_Descriptions")[-1]["$and"][0]["U_id"]
    assert all(name.startswith("MPX") for names in cases.values() for name in names)


def test_conditions_that_fit_nothing(stored: str) -> None:
    with pytest.raises(ConfigError, match=r"no such attribute.*agee.*did you mean age"):
        load(stored, where=["agee>3"])
    with pytest.raises(SourceError, match=r"No image meets.*sex is one of: female, male"):
        load(stored, where=["age>3", "sex=x"])
    with pytest.raises(SourceError, match="one class is left, MR"):
        load(stored, where=["label=MR"])


def test_targets(stored: str, base: Any) -> None:
    with pytest.raises(ConfigError, match=r"no such attribute to classify by.*colour.*location"):
        load(f"{stored}?target=colour")
    with pytest.raises(ConfigError, match="another target than --target"):
        load(f"{stored}?target=location", target="type")
    with pytest.raises(ConfigError, match="caption has 7 values, which makes no classes"):
        load(stored, target="caption")
    base["Image_Descriptions"].update_one({"U_id": "MPX2"}, {"$unset": {"attributes.plane": 1}})
    by_plane = load(stored, target="plane")
    assert by_plane.counts() == {"Axial": 5, "Coronal": 1}
    assert [(s.path, s.reason) for s in by_plane.skipped] == [("images/MPX2_synpic20.png", "the image has no plane")]
    assert load(stored, target="category").counts() == {"Trauma": 4, "Vascular": 3}


def test_images_that_lie_elsewhere_on_this_machine(medpix: Path, stored: str) -> None:
    moved = medpix.rename(medpix.with_name("elsewhere"))
    with pytest.raises(SourceError, match=r"not on this machine.*\?root=FOLDER"):
        load(stored)
    collection = load(f"{stored}?root={moved}&target=location")
    assert all(Path(s.path).is_file() for s in collection.samples)


def test_stored_anew_while_it_is_read(medpix: Path, stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find, times = Database.find, [0]

    def moving(self: Database, collection: str, *given: Any) -> Any:
        if collection == "Clinical_reports" and not times[0]:
            times[0] += 1
            monkeypatch.setattr(Database, "find", find)
            store(load(medpix, target="location"), stored)
        return find(self, collection, *given)

    monkeypatch.setattr(Database, "find", moving)
    assert load(stored).labels.names == ("Abdomen", "Brain and Neuro", "Chest, Pulmonary", "Spine")

    def never(*_: Any) -> Any:
        raise MovedError

    monkeypatch.setattr(Database, "find", never)
    with pytest.raises(SourceError, match="stored anew while it was being read"):
        load(stored)


def test_a_database_of_another_version_or_name(stored: str, base: Any) -> None:
    with pytest.raises(SourceError, match=r"holds no collection stored by lince.*check its name"):
        load(f"{stored}_not")
    base["Lince_collection"].update_one({}, {"$set": {"format": 99}})
    with pytest.raises(SourceError, match="another version of lince"):
        load(stored)


# What a server does wrong


@pytest.fixture
def silent() -> Iterator[int]:
    """Port of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_server_that_is_away_or_silent_is_one_sentence_in_time(silent: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    for port in (free, silent):
        start = time.monotonic()
        with pytest.raises(SourceError, match="cannot be reached") as caught:
            load(f"mongodb://hugo:gh%40eim@127.0.0.1:{port}/x?serverSelectionTimeoutMS=300&connectTimeoutMS=300")
        assert time.monotonic() - start < 3
        assert not any(secret in caught.value.sentence for secret in ("hugo", "gh%", "gh@", "eim"))


def failing(base: Any, **data: Any) -> None:
    if REAL:
        pytest.skip("needs a server that can be told to fail")
    times = data.pop("times")
    base.client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data})


def test_a_broken_connection_is_tried_again(medpix: Path, stored: str, base: Any) -> None:
    failing(base, times=3, failCommands=["find"], closeConnection=True)
    assert len(load(stored)) == 7
    failing(base, times=3, failCommands=["update"], closeConnection=True)
    assert store(load(medpix, target="location"), stored).changed


def test_a_slow_answer_is_given_up(stored: str, base: Any) -> None:
    failing(base, times=5, failCommands=["find"], blockConnection=True, blockTimeMS=1_500)
    with pytest.raises(SourceError, match="did not answer in time"):
        load(f"{stored}?socketTimeoutMS=200&retryReads=false")


def test_a_refusal_is_named(stored: str, base: Any) -> None:
    failing(base, times=1, failCommands=["find"], errorCode=13297)
    with pytest.raises(SourceError, match="The MongoDB server refused"):
        load(stored)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of a server that wants user ``hugo`` with password ``geheim``, who may read and write ``clinic``."""
    import pymongo

    if REAL:
        pytest.skip("users are made on a server of one's own")
    secantus = pytest.importorskip("secantus")
    place = str(tmp_path_factory.mktemp("guarded"))
    with (
        secantus.SecantusDBServer(storage_path=place, cache_size="64M") as open_server,
        pymongo.MongoClient(open_server.uri) as client,
    ):
        client["clinic"].command("createUser", "hugo", pwd="geheim", roles=["readWrite"])
    with secantus.SecantusDBServer(storage_path=place, cache_size="64M", require_auth=True) as running:
        yield str(running.uri).rstrip("/").removeprefix("mongodb://")


@pytest.mark.parametrize(
    ("login", "database", "sentence"),
    [
        ("hugo:secret@", "clinic", r"does not accept this user and password.*authSource=admin"),
        ("", "clinic", r"may not use the database clinic.*LINCE_MONGODB_USER"),
        ("hugo:geheim@", "other?authSource=clinic", "may not use the database other"),
    ],
)
def test_wrong_credentials(medpix: Path, guarded: str, login: str, database: str, sentence: str) -> None:
    text = f"mongodb://{login}{guarded}/{database}"
    for action, kind in ((lambda: load(text), SourceError), (lambda: store(load(medpix), text), OutputError)):
        with pytest.raises(kind, match=sentence) as caught:
            action()
        assert not any(secret in caught.value.sentence for secret in ("hugo", "geheim", "secret"))


def test_right_credentials_in_the_address_or_the_environment_and_nowhere_else(
    medpix: Path, guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"mongodb://hugo:geheim@{guarded}/clinic"
    assert main(["data", "store", str(medpix), text]) == 0
    assert main(["data", "info", text, "--json"]) == 0
    assert main(["data", "convert", text, str(tmp_path / "out" / "manifest.csv")]) == 0
    assert main(["data", "audit", text, "--out", str(tmp_path / "out" / "audit")]) == 0
    shown = capsys.readouterr()
    written = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(written) >= 3
    assert not any("geheim" in text or "hugo" in text for text in (shown.out, shown.err, *written))
    with pytest.raises(LinceError):
        load(f"mongodb://{guarded}/clinic")
    monkeypatch.setenv("LINCE_MONGODB_USER", "hugo")
    monkeypatch.setenv("LINCE_MONGODB_PASSWORD", "geheim")
    assert len(load(f"mongodb://{guarded}/clinic")) == 7


@pytest.mark.parametrize(
    "text",
    [
        "mongodb://host",
        "mongodb://host/",
        "mongodb://u:geheim@host?tls=true",
        "mongodb://u:geheim@host/a.b",
        "mongodb://u:ge@heim@host:x/db",
        "mongodb://u:geheim@host:99999/db",
        "mongodb:///db",
        "mongodb:nothing",
    ],
)
def test_an_address_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert "heim" not in caught.value.sentence


def test_without_pymongo_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pymongo", None)
    with pytest.raises(MissingExtraError, match=r"lince-med\[mongodb\]"):
        load("mongodb://127.0.0.1:1/x")
