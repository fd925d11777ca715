"""Storing in MongoDB: one case to many images, the same twice, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from medpix_maker import TRAIN, write_lines

from conftest import Wire
from lince.cli import main
from lince.core.errors import OutputError, SourceError
from lince.core.events import EventBus, Noticed
from lince.core.types import LabelSpace, Sample
from lince.data import Collection, load
from lince.data import mongo as mongo_module
from lince.data.store import store

WRITES = {"update", "insert", "delete", "create", "createIndexes", "renameCollection", "drop"}


def test_one_case_to_many_images(medpix: Path, address: str, base: Any) -> None:
    done = store(load(medpix), address)
    assert (done.images, done.cases, done.changed) == (7, 6, True)
    image = base["Image_Descriptions"].find_one({"_id": "images/MPX1_synpic10.png"})
    assert (image["U_id"], image["label"], image["split"]) == ("MPX1", "CT", "train")
    assert image["attributes"]["age"] == 73
    assert "history" not in image["attributes"]
    (report,) = base["Clinical_reports"].find({"U_id": "MPX1"})
    assert report["attributes"]["history"] == "History 1"
    assert report["images"] == 2 == base["Image_Descriptions"].count_documents({"U_id": "MPX1"})
    assert base["Lince_collection"].find_one()["root"] == str(medpix)


def test_indexes_are_there_and_unique_ones_hold(medpix: Path, address: str, base: Any) -> None:
    from pymongo.errors import DuplicateKeyError

    store(load(medpix), address)
    indexes = base["Image_Descriptions"].index_information()
    assert {"U_id_1", "label_1", "split_1", "attributes.age_1", "attributes.modality_1"} <= set(indexes)
    assert base["Clinical_reports"].index_information()["U_id_1"]["unique"]
    with pytest.raises(DuplicateKeyError):
        base["Image_Descriptions"].insert_one({"_id": "other", "image": "images/MPX1_synpic10.png"})
    with pytest.raises(DuplicateKeyError):
        base["Clinical_reports"].insert_one({"_id": "other", "U_id": "MPX1"})


def test_storing_twice_writes_nothing(medpix: Path, address: str, base: Any, wire: Wire) -> None:
    store(load(medpix), address)
    before = {name: list(base[name].find()) for name in base.list_collection_names()}
    wire.commands.clear()
    assert not store(load(medpix), address).changed
    assert wire.names() & WRITES == set()
    assert {name: list(base[name].find()) for name in base.list_collection_names()} == before


def test_a_changed_collection_takes_the_place_of_the_former_one(medpix: Path, address: str, base: Any) -> None:
    store(load(medpix), address)
    write_lines(medpix / "splitted_dataset" / "descriptions_train.jsonl", TRAIN[2:])
    assert store(load(medpix), address).changed
    assert base["Image_Descriptions"].count_documents({}) == 5
    assert base["Clinical_reports"].count_documents({"U_id": "MPX1"}) == 0
    assert sorted(base.list_collection_names()) == ["Clinical_reports", "Image_Descriptions", "Lince_collection"]


def test_documents_removed_behind_its_back_are_noticed_and_written_again(medpix: Path, address: str, base: Any) -> None:
    store(load(medpix), address)
    base["Image_Descriptions"].delete_one({"U_id": "MPX2"})
    assert store(load(medpix), address).changed
    assert base["Image_Descriptions"].count_documents({}) == 7


def test_another_collection_is_not_overwritten_unless_asked(
    medpix: Path, tiny_images: Path, address: str, base: Any
) -> None:
    store(load(medpix), address)
    with pytest.raises(OutputError, match=r"holds another collection, MedPix 2.0.*--replace"):
        store(load(tiny_images), address)
    assert base["Image_Descriptions"].count_documents({}) == 7
    assert store(load(tiny_images), address, replace=True).images == 24
    assert load(address).synthetic
    assert base["Clinical_reports"].count_documents({}) == 0


def test_collections_that_lince_did_not_write_are_left_alone(medpix: Path, address: str, base: Any) -> None:
    base["Clinical_reports"].insert_one({"mine": True})
    with pytest.raises(OutputError, match=r"Clinical_reports that lince did not write"):
        store(load(medpix), address)
    assert list(base["Clinical_reports"].find({}, {"_id": 0})) == [{"mine": True}]
    assert store(load(medpix), address, replace=True).changed
    assert base["Clinical_reports"].count_documents({"mine": True}) == 0


def cut_off(medpix: Path, address: str, where: str) -> None:
    """Store in another process, and kill it once it has come to ``where``."""
    script = f"""
        import time
        from lince.data import load, mongo, store
        def hang():
            print("there", flush=True)
            time.sleep(60)
        real = {{"upsert": mongo.Database.upsert, "rename": mongo.Database.rename}}
        def upsert(self, collection, documents):
            for done in real["upsert"](self, collection, documents):
                yield done
                hang()
        def rename(self, collection, name):
            real["rename"](self, collection, name)
            hang()
        mongo._BATCH = 3
        mongo.Database.{where} = {where}
        store.store(load({str(medpix)!r}), {address!r})
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "there\n"
        child.kill()


def test_killed_in_the_middle_of_writing_nothing_is_there(medpix: Path, address: str, base: Any) -> None:
    cut_off(medpix, address, "upsert")
    assert any(".staging." in name for name in base.list_collection_names())
    assert base["Image_Descriptions"].count_documents({}) == 0
    with pytest.raises(SourceError, match="no collection stored by lince"):
        load(address)
    assert store(load(medpix), address).changed
    assert sorted(base.list_collection_names()) == ["Clinical_reports", "Image_Descriptions", "Lince_collection"]
    assert len(load(address)) == 7


def test_killed_in_the_middle_of_writing_the_former_collection_stays(medpix: Path, address: str) -> None:
    store(load(medpix), address)
    write_lines(medpix / "splitted_dataset" / "descriptions_train.jsonl", TRAIN[2:])
    cut_off(medpix, address, "upsert")
    assert len(load(address)) == 7


def test_killed_between_the_two_collections_readers_refuse_and_the_next_run_mends(
    medpix: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(load(medpix), address)
    write_lines(medpix / "splitted_dataset" / "descriptions_train.jsonl", TRAIN[2:])
    cut_off(medpix, address, "rename")
    with pytest.raises(SourceError, match=r"under way, or was cut off.*store again"):
        load(address)
    # For half a minute it might still be alive.
    with pytest.raises(OutputError, match="Another lince is storing"):
        store(load(medpix), address)
    monkeypatch.setattr(mongo_module, "_TAKE_OVER", mongo_module.timedelta(seconds=-1))
    assert store(load(medpix), address).changed
    assert len(load(address)) == 5


def test_staging_that_was_tampered_with_is_not_put_in_place(
    medpix: Path, address: str, base: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(load(medpix), address)
    write_lines(medpix / "splitted_dataset" / "descriptions_train.jsonl", TRAIN[2:])
    take = mongo_module.Database.take

    def tamper(self: mongo_module.Database, token: str) -> bool:
        base[f"Image_Descriptions.staging.{token}"].delete_one({})
        return take(self, token)

    monkeypatch.setattr(mongo_module.Database, "take", tamper)
    with pytest.raises(OutputError, match="changed meanwhile by another program"):
        store(load(medpix), address)
    assert len(load(address)) == 7


def test_odd_names_and_values_come_back(tmp_path: Path, address: str) -> None:
    import numpy as np

    facts = {"a.b": 1.5, "$c": np.int64(3), "100%": True, "big": 1 << 80, "none": None, "bad": "\ud800", "nan": np.nan}
    samples = [Sample(str(tmp_path / f"{n}.png"), label, None, attributes=facts) for n, label in enumerate("ab")]
    samples.append(Sample(str(tmp_path / "\udcff.png"), "a"))
    done = store(Collection("odd", tuple(samples), LabelSpace(("a", "b"), "a"), str(tmp_path)), address)
    assert [s.reason for s in done.skipped] == ["file name is not Unicode and cannot be stored"]
    back = load(address)
    expected = {"a.b": 1.5, "$c": 3, "100%": True, "big": str(1 << 80), "bad": "?", "nan": "nan"}
    assert [dict(s.attributes) for s in back.samples] == [expected] * 2
    assert back.labels == LabelSpace(("a", "b"), "a")
    assert len(load(address, where=["a.b>1"])) == 2


def test_rows_of_an_array_are_images_of_their_own(tmp_path: Path, address: str) -> None:
    samples = tuple(Sample(str(tmp_path / "x.npy"), "ab"[row % 2], row=row) for row in range(12))
    collection = Collection("rows", samples, LabelSpace(("a", "b")), "medmnist:rows")
    assert store(collection, address).images == 12
    assert [(s.path, s.row, s.label) for s in load(address).samples] == [(s.path, s.row, s.label) for s in samples]


def test_images_in_the_cache_are_told(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    bus = EventBus()
    bus.subscribe(lambda event: heard.append(event.message) if isinstance(event, Noticed) else None)
    samples = tuple(Sample(str(tmp_path / "x.npy"), "ab"[row % 2], row=row) for row in range(4))
    collection = Collection("rows", samples, LabelSpace(("a", "b")), "medmnist:rows")
    store(collection, address, bus=bus)
    assert not heard
    monkeypatch.setenv("LINCE_CACHE", str(tmp_path))
    store(collection, address, bus=bus)
    assert heard[0] == (
        "Images of this source lie in lince's cache: the database is of use on this machine, until the cache is "
        "deleted."
    )


def test_the_verb(medpix: Path, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with (medpix / "splitted_dataset" / "descriptions_train.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("not json\n")
    assert main(["data", "store", str(medpix), address, "--target", "location"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("7 images (Image_Descriptions), 6 cases (Clinical_reports), stored: mongodb://")
    assert "descriptions_train.jsonl:6" in shown.err
    assert main(["data", "store", str(medpix), address, "--target", "location"]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert main(["data", "info", address]) == 0
    assert "Brain and Neuro: 1" in capsys.readouterr().out
    assert main(["data", "store", str(medpix / "images"), address]) == 2
