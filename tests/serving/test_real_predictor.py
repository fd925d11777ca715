"""The server around the real predictor: a small network with random weights, saved and loaded as a bundle."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from lince.core.files import sha256_bytes
from lince.core.types import LabelSpace, Sample
from lince.imaging import cached_images
from lince.inference import MicroBatcher, Predictor
from lince.trust import Calibration, Trust

from .conftest import Site, picture, png, site_of

PATH = "/api/v1/predictions"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    from lince.inference.bundle import (
        WEIGHTS,
        BundleManifest,
        ModelRecord,
        OperatingPointRecord,
        write_manifest,
        write_weights,
    )
    from lince.models import build, entry_for

    folder = tmp_path_factory.mktemp("bundle")
    torch.manual_seed(7)
    entry = entry_for("small-cnn")
    spec = entry.image_spec()
    hashes = {WEIGHTS: write_weights(folder, build(entry, 2, spec, pretrained=False))}
    labels = LabelSpace(("benign", "malignant"), "malignant")
    manifest = BundleManifest(
        name="random weights",
        created="2026-03-14T09:26:53+00:00",
        lince_version="0.1.0",
        synthetic=True,
        classes=labels.names,
        positive=labels.positive,
        image=spec,
        image_hash=spec.hash,
        model=ModelRecord(name="small-cnn"),
        trust=Trust(calibration=Calibration.of_temperature(1.5, 2)),
        operating_point=OperatingPointRecord(threshold=0.4, aim="youden"),
        hashes=hashes,
    )
    write_manifest(folder, manifest)
    return folder


@pytest.fixture(scope="module")
def real(bundle: Path) -> Iterator[Site]:
    predictor = Predictor(bundle)
    with site_of(predictor, batcher=MicroBatcher(predictor), upload_limit=16_000_000) as site:
        yield site


def test_training_and_serving_see_the_same_pixels(real: Site, tmp_path: Path) -> None:
    from pydicom.data import get_testdata_file

    picture("wide", height=60, width=150).save(tmp_path / "wide.png")
    picture("tall", height=150, width=61).convert("RGB").save(tmp_path / "tall.jpg", quality=80)
    picture("tiff").save(tmp_path / "tiff.tif")
    (tmp_path / "ct.dcm").write_bytes(Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes())
    same_pixels(real, sorted(tmp_path.iterdir()))


@pytest.mark.real_data
def test_training_and_serving_see_the_same_pixels_of_real_images(real: Site, real_data: Path) -> None:
    folders = ("busi/benign", "chest_xray/train/PNEUMONIA", "medpix/images", "dicom")
    files = [path for f in folders for path in sorted((real_data / f).iterdir())[:4] if path.is_file()]
    assert len(files) > 10
    same_pixels(real, files)


def same_pixels(site: Site, files: list[Path]) -> None:
    array = cached_images([Sample(str(path), "benign") for path in files], site.predictor.bundle.spec)
    trained = [sha256_bytes(np.ascontiguousarray(array.pixels[i]).data) for i in range(len(files))]
    answers = [site.client.post(PATH, files={"file": path.read_bytes()}).json() for path in files]
    served = [answer.get("input_sha256", answer) for answer in answers]
    assert served == trained
    assert len(set(served)) == len(files)


def test_the_server_says_what_the_predictor_says(real: Site, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(png("scan"))
    direct = Predictor(bundle).predict(tmp_path / "scan.png").as_dict()
    answer = real.client.post(PATH, files={"file": ("scan.png", png("scan"))}).json()
    assert answer["probabilities"] == pytest.approx(direct.pop("probabilities"), abs=1e-3)
    assert answer["confidence"] == pytest.approx(direct.pop("confidence"), abs=1e-3)
    assert {key: answer[key] for key in direct} == direct


def test_a_real_heat_map_arrives(real: Site) -> None:
    answer = real.client.post(PATH, params={"explain": True}, files={"file": png(height=100, width=50)}).json()
    assert answer["heat_map"].startswith("data:image/png;base64,")


def test_batches_do_not_mix_up_their_images(real: Site) -> None:
    """32 clients at once, each with its own image; the answers of one at a time are the reference."""
    images = [png("x" * i, height=40 + i, width=60) for i in range(16)]
    alone = [real.client.post(PATH, files={"file": data}).json() for data in images]

    def ask(data: bytes) -> dict[str, object]:
        answer = httpx.post(real.address + PATH, files={"file": data}, timeout=30, trust_env=False)
        assert answer.status_code == 200
        return answer.json()

    with ThreadPoolExecutor(32) as pool:
        together = list(pool.map(ask, images * 2))
    for one, other in zip(alone * 2, together, strict=True):
        assert other["input_sha256"] == one["input_sha256"]
        assert other["probabilities"] == pytest.approx(one["probabilities"], abs=2e-2)


def test_the_page_shows_a_real_bundle(real: Site) -> None:
    html = real.client.get("/").text
    assert "random weights" in html
    assert "do not use it on patients" in html
    model = real.client.get("/api/v1/model").json()
    assert (model["threshold"], model["figures"]) == (0.4, {})
    assert model["trust"]["calibration"]["kind"] == "temperature"
    assert model["trust"]["low_confidence"] == 0.7
