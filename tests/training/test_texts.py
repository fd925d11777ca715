"""A run with image and text, from cases on disk to answers with either of the two missing."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.training.text_maker import SAID, write_cases

from lince.cli import main
from lince.core.errors import BundleError, ConfigError, TrainingError
from lince.core.events import Event, EventBus, Noticed
from lince.core.files import sha256_file
from lince.core.types import Prediction
from lince.data import Collection
from lince.inference import Bundle, Predictor, evaluate
from lince.inference.bundle import write_manifest
from lince.inference.card import write_card
from lince.training import train
from lince.training.events import RunFinished, RunPlanned
from lince.training.live.shelf import SampleShelf
from lince.training.options import TrainOptions
from lince.training.texts import check_fields, fit_fusion

SMALL = {"preset": "fast", "image_size": 32, "text": "caption"}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return write_cases(tmp_path_factory.mktemp("cases"))


@pytest.fixture(scope="module")
def heard() -> list[str]:
    return []


@pytest.fixture(scope="module")
def shelf() -> SampleShelf:
    """The samples of a live page that listened to the whole training."""
    return SampleShelf()


@pytest.fixture(scope="module")
def bundle(cases: Collection, heard: list[str], shelf: SampleShelf, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    bus = EventBus()

    def hear(event: Event) -> None:
        if isinstance(event, Noticed):
            heard.append(event.message)
        elif isinstance(event, RunPlanned):
            shelf.choose(event)
        elif isinstance(event, RunFinished):
            shelf.conclude(event.bundle)

    bus.subscribe(hear)
    return train(cases, out=tmp_path_factory.mktemp("made") / "bundle", bus=bus, mask_terms=True, **SMALL)


def test_a_caption_alone_is_decided_by_its_words(bundle: Bundle) -> None:
    predictor = Predictor(bundle)
    found = [predictor.predict(None, caption=said[0]) for said in SAID.values()]
    assert [one.label for one in found] == list(SAID)
    assert {one.inputs for one in found} == {("caption",)}
    assert {one.novelty for one in found} == {None}
    assert found[0].input_sha256 != found[1].input_sha256
    assert sum(found[0].probabilities.values()) == pytest.approx(1)


def test_an_image_alone_is_decided_and_a_caption_changes_its_probabilities(bundle: Bundle, cases: Collection) -> None:
    predictor, sample = Predictor(bundle), cases.samples[0]
    alone, both = predictor.predict(sample.path), predictor.predict(sample.path, caption="torn meniscus")
    assert (alone.inputs, both.inputs) == (("image",), ("image", "caption"))
    assert alone.label == sample.label
    assert alone.novelty == both.novelty
    assert both.probabilities["knee"] > alone.probabilities["knee"]
    assert predictor.predict(sample.path, caption="  ").inputs == ("image",)


def test_a_batch_answers_as_each_one_alone(bundle: Bundle, cases: Collection) -> None:
    predictor, path = Predictor(bundle), cases.samples[0].path
    items = [
        predictor.prepare(path),
        predictor.prepare(path, caption="torn meniscus"),
        predictor.prepare(None, caption="torn meniscus"),
    ]
    together = [outcome.prediction for outcome in predictor.run(items, explain=[True] * 3)]
    for item, prediction in zip(items, together, strict=True):
        own = predictor.run([item])[0].prediction
        assert prediction.probabilities == pytest.approx(own.probabilities, abs=1e-5)
    assert [one.words is None for one in together] == [True, False, False]
    assert together[2].words is not None
    assert {word for word, _ in together[2].words} == {"torn", "meniscus"}
    assert together[2].words[0][1] > 0


def test_a_caption_alone_has_no_heat_map(bundle: Bundle, cases: Collection) -> None:
    predictor = Predictor(bundle)
    items = [predictor.prepare(None, caption="lung"), predictor.prepare(cases.samples[0].path, caption="lung")]
    assert [one.heat_map is None for one in predictor.run(items, explain=[True, True])] == [True, False]


def test_explain_takes_a_caption(bundle: Bundle, cases: Collection) -> None:
    predictor, path = Predictor(bundle), cases.samples[0].path
    both = predictor.explain(path, caption="torn meniscus")
    assert both.heat_map is not None
    assert both.prediction.inputs == ("image", "caption")
    assert {word for word, _ in both.prediction.words or ()} == {"torn", "meniscus"}
    assert both.prediction.probabilities == pytest.approx(
        predictor.predict(path, caption="torn meniscus").probabilities
    )
    alone = predictor.explain(None, caption="torn meniscus")
    assert alone.heat_map is None
    assert alone.prediction.words
    assert predictor.explain(path).prediction.words is None
    with pytest.raises(ConfigError, match="neither an image nor a caption"):
        predictor.explain(None)


def test_a_caption_that_says_nothing_known_leaves_the_image_alone(bundle: Bundle, cases: Collection) -> None:
    predictor, path = Predictor(bundle), cases.samples[0].path
    alone = predictor.predict(path)
    for caption in ("N/A", "肺炎", "xyzzy qqq", "a"):
        found = predictor.predict(path, caption=caption)
        assert (found.inputs, found.probabilities) == (("image",), alone.probabilities), caption
        with pytest.raises(ConfigError, match="nor a caption with words that this model knows"):
            predictor.predict(None, caption=caption)


def test_an_image_and_a_caption_of_another_class_disagree(bundle: Bundle, cases: Collection) -> None:
    predictor, sample = Predictor(bundle), cases.samples[0]
    image = predictor.predict(sample.path)
    strict = bundle.manifest.trust.model_copy(update={"low_confidence": 0.0})
    text = bundle.manifest.text
    assert text is not None
    loose = None if text.image is None else text.image.model_copy(update={"trust": strict})
    bundle_of_any = copy.copy(bundle)
    changed = {"trust": strict, "text": text.model_copy(update={"image": loose})}
    bundle_of_any.manifest = bundle.manifest.model_copy(update=changed)
    predictor = Predictor(bundle_of_any)
    told = [predictor.predict(sample.path, caption=said[0]) for said in SAID.values()]
    assert {one.image_alone for one in told} == {(image.label, image.confidence)}
    assert [("conflict" in one.flags) for one in told] == [one.label != image.label for one in told]
    assert any(one.label != image.label for one in told)
    assert image.image_alone is None


def test_a_share_is_referred_by_the_limits_for_what_there_is(bundle: Bundle, cases: Collection) -> None:
    text = bundle.manifest.text
    assert text is not None
    assert text.image is not None
    limit = text.image.trust.referral.limit(0.3)
    predictor = Predictor(bundle, refer=0.3)
    for found in predictor.predict_many([sample.path for sample in cases.samples]):
        assert isinstance(found, Prediction)
        assert ("refer" in found.flags) == (found.confidence < limit)


def test_neither_image_nor_words_is_refused(bundle: Bundle) -> None:
    for caption in (None, " ", "chest", "...", "SKULL, knee"):  # the class words are hidden
        with pytest.raises(ConfigError, match=r"words that this model knows \(the words of its classes are hidden"):
            Predictor(bundle).prepare(None, caption=caption)


def test_the_report_sets_image_text_and_both_side_by_side(bundle: Bundle, heard: list[str]) -> None:
    sides = bundle.manifest.figures["sides"]
    assert set(sides) == {"val", "test"}
    assert set(sides["test"]) == {"n", "image", "text", "both", "text_unmasked", "both_unmasked"}
    assert all(0 <= own["macro_f1"] <= 1 for name, own in sides["test"].items() if name != "n")
    assert sides["test"]["both"]["accuracy"] >= 0.9
    assert any("Accuracy (test" in message and "text alone" in message for message in heard)
    page = (bundle.path / "report" / "report.html").read_text(encoding="utf-8")
    assert "image alone" in page
    assert "text alone with the class words" in page


def test_the_live_page_ends_with_what_the_bundle_says_of_image_and_text(
    bundle: Bundle, shelf: SampleShelf, cases: Collection
) -> None:
    predictor = Predictor(bundle)
    known = {Path(sample.path).name: sample for sample in cases.samples}
    samples = [known[one["name"]] for one in shelf.as_dict()]
    texts = predictor.texts_of(samples)
    assert texts is not None
    assert len(texts) > texts.count(None)
    for one, sample, text in zip(shelf.as_dict(), samples, texts, strict=True):
        prediction = predictor.predict(sample.path, caption=text)
        assert one["decision"] == prediction.label
        assert one["probability"] == pytest.approx(prediction.confidence, abs=2e-3)


def test_the_card_says_what_is_read_by_what_and_how_it_was_learned(bundle: Bundle) -> None:
    card = (bundle.path / "card.md").read_text(encoding="utf-8")
    assert "nothing else: no age" not in card
    assert "these fields of its record, one after the other: caption." in card
    assert f"Words that name a class are hidden from every text, {len(bundle.manifest.text.mask)} terms" in card
    assert "a frozen deep neural network, efficientnet-lite0, read by " in card
    assert ". The text: words, pairs of words and pieces of words" in card
    assert "- Frozen network: efficientnet-lite0, 32 px, and the mirror image" in card
    assert "Training: nothing learns by steps." in card
    assert "cross-validated in folds of the training part" in card
    assert "was learned on cases of the training part that were held out" in card
    assert "An image without text has limits of its own. A text without image has limits of its own." in card
    assert f"on the {bundle.manifest.figures['sides']['test']['n']} test images: by image alone" in card
    for wrong in ("kinds of network", "Training: ;", "main member", "epoch that did best", "Member:"):
        assert wrong not in card


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_card_of_several_networks_and_sides_hides_nothing(bundle: Bundle, tmp_path: Path, language: str) -> None:
    known = bundle.manifest
    assert known.text is not None
    assert known.model.facts is not None
    members = [{**known.model.facts["members"][0], "model": name} for name in ("efficientnet-lite0", "small-cnn")]
    sides = ("tfidf", "sentence", "clip:a/b", "clip:c/d")
    text = known.text.model_copy(update={"mask": (), "fields": ("caption", "a|b"), "sides": sides, "text": None})
    model = known.model.model_copy(update={"facts": {"members": members}})
    write_card(tmp_path, known.model_copy(update={"text": text, "model": model}), language=language)
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    if language == "pt":
        assert "Nenhuma palavra é escondida" in card
        assert "Rede congelada: small-cnn" in card
        return
    assert r"one after the other: caption, a\|b." in card
    assert "No words are hidden" in card
    assert "frozen deep neural networks, efficientnet-lite0, small-cnn, read by " in card
    assert "a frozen sentence encoder with logistic regression; the frozen dual encoder a/b, which also looks" in card
    assert "the frozen encoder c/d with" in card
    assert "2 frozen networks; their answers and that of the text" in card
    assert "A text without image has limits" not in card


def test_nothing_of_the_bundle_is_pickled_and_everything_is_hashed(bundle: Bundle) -> None:
    words = json.loads((bundle.path / "text.json").read_text(encoding="utf-8"))
    assert "meniscus" in words["sides"][0]["vocabulary"]["words"]
    assert "chest" not in words["sides"][0]["vocabulary"]["words"]
    assert {"text.json", "text.safetensors"} <= bundle.manifest.hashes.keys()
    assert bundle.manifest.text is not None
    assert bundle.manifest.text.fields == ("caption",)
    assert "ches*" in bundle.manifest.text.mask


def test_evaluation_takes_captions_from_the_attributes(bundle: Bundle, cases: Collection) -> None:
    seen = evaluate(bundle, cases, split="all")
    without = write_cases(Path(cases.source), captions=False)
    blind = evaluate(bundle, without, split="all")
    assert seen.n == blind.n == len(cases.samples)
    assert seen.accuracy.value is not None
    assert seen.accuracy.value >= 0.9
    texts = Predictor(bundle).texts_of(cases.samples)
    assert texts is not None
    assert texts.count(None) > 0


def test_a_bundle_of_images_takes_no_caption(cases: Collection, tmp_path: Path) -> None:
    made = train(cases, out=tmp_path / "plain", preset="fast", model="small-cnn", image_size=32, epochs=1)
    assert "text" not in json.loads((made.path / "bundle.json").read_text(encoding="utf-8"))
    with pytest.raises(ConfigError, match="reads no caption"):
        Predictor(made).predict(cases.samples[0].path, caption="lung")
    with pytest.raises(ConfigError, match="no image"):
        Predictor(made).predict(None)


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"text": "place"}, "states the class"),
        ({"text": ""}, "no attribute is named"),
        ({"text": "caption,findings"}, "No image has this attribute"),
        ({"text_side": "words"}, "no text side"),
        ({"text_side": "tfidf,tfidf"}, "named twice"),
        ({"model": "small-cnn"}, "pretrained"),
        ({"model": "descriptors", "preset": "balanced"}, "Descriptors are not put together"),
        ({"epochs": 3}, "--epochs would change nothing"),
        ({"text": (), "mask_terms": True}, "--mask-terms would change nothing"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    cases: Collection, tmp_path: Path, choices: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        train(cases, out=tmp_path / "none", **{**SMALL, **choices})
    assert not (tmp_path / "none").exists()


def test_the_fields_that_state_the_answer_are_refused(tmp_path: Path) -> None:
    from tests.data.medpix_maker import write_medpix

    source = write_medpix(tmp_path / "medpix")
    for target, names in (("type", "modality,plane"), ("location", "location_category,acr_codes")):
        with pytest.raises(ConfigError, match="states the class") as error:
            train(f"medpix:{source}", target=target, out=tmp_path / "none", text=f"caption,{names}", preset="fast")
        assert all(name in str(error.value) for name in names.split(","))


def test_the_fusion_trusts_what_is_right() -> None:
    from lince.models.text import Fusion
    from lince.models.text.reader import log_probabilities

    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    right = log_probabilities(2.0 * np.eye(3)[labels] + random.normal(size=(300, 3)))
    noise = log_probabilities(random.normal(size=(300, 3)))
    found = fit_fusion(Fusion(1, 1, 1, network=0.5), right, noise, labels, np.log(np.full(3, 1 / 3)))
    assert found.image > 5 * found.text
    assert found.network == 0.5


def test_the_command_line_takes_a_caption_with_an_image_or_alone(
    bundle: Bundle, cases: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    from lince.cli import main

    image = cases.samples[0].path
    assert main(["predict", str(bundle.path), "--caption", "torn meniscus", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert (alone["label"], alone["inputs"]) == ("knee", ["caption"])
    assert main(["predict", str(bundle.path), image, "--caption", "torn meniscus", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["inputs"] == ["image", "caption"]
    for arguments, said in (
        ([], "There is no image to predict"),
        ([image, image, "--caption", "lung"], "One caption is of one image"),
        (["--caption", "skull"], "neither an image nor a caption"),
    ):
        assert main(["predict", str(bundle.path), *arguments]) == 2
        assert said in capsys.readouterr().err


def test_the_command_line_names_the_words_that_counted(
    bundle: Bundle, cases: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lince.cli import main

    path = str(bundle.path)
    assert main(["explain", path, "--caption", "torn meniscus of the knee", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["label"] == "knee"
    assert {word["word"] for word in found["words"]} & {"torn", "meniscus", "knee"}
    assert found["heat_map"] is None
    heat = str(tmp_path / "heat.png")
    image = str(cases.samples[0].path)
    assert main(["explain", path, image, "--caption", "opacity in the left lung", "--out", heat]) == 0
    assert "Words that counted: " in capsys.readouterr().out
    assert Path(heat).is_file()
    for arguments, told in (
        ([], "There is no image to explain"),
        (["--caption", "lung", "--similar", "3"], "A caption alone has no heat map"),
    ):
        assert main(["explain", path, *arguments]) == 2
        assert told in capsys.readouterr().err


def told_of(cases: Collection, **values: object) -> Collection:
    """The cases with one more attribute each."""
    samples = tuple(
        replace(
            sample, attributes={**sample.attributes, **{k: v(sample) if callable(v) else v for k, v in values.items()}}
        )
        for sample in cases.samples
    )
    return replace(cases, samples=samples)


@pytest.mark.parametrize("name", ["code", "Acr_Codes", "ACR Codes", "location_category", "Location-Category", "PLACE"])
def test_what_states_the_class_is_refused_however_it_is_spelled(cases: Collection, tmp_path: Path, name: str) -> None:
    codes = {"chest": "C!", "skull": "S!", "knee": "K!"}
    told = told_of(
        cases,
        code=lambda sample: codes[sample.label],
        acr_codes="6.9",
        location_category=lambda sample: sample.path[-9],
    )
    with pytest.raises(ConfigError, match="states the class"):
        train(told, out=tmp_path / "a", **{**SMALL, "text": name})
    assert list(tmp_path.iterdir()) == []


def test_attributes_are_found_without_regard_to_case(cases: Collection) -> None:
    assert check_fields(cases, TrainOptions(text=("CAPTION", "caption", "history"))) == ("caption", "history")


@pytest.mark.parametrize("nothing", ["nan", "N/A", " ", "None"])
def test_a_cell_that_stands_for_nothing_is_no_text(bundle: Bundle, nothing: str) -> None:
    reader = bundle.text_reader()
    assert reader is not None
    assert reader.text_of({"caption": nothing}) is None
    assert reader.text_of({"caption": "no nan here"}) == "no nan here"


def test_texts_of_one_class_in_all_but_one_fold_are_too_few(cases: Collection, tmp_path: Path) -> None:
    kept = {next(s.path for s in cases.samples if s.label == "knee")}
    samples = tuple(
        replace(
            s, attributes={"caption": f"seen in {Path(s.path).stem}"} if s.label == "chest" or s.path in kept else {}
        )
        for s in cases.samples
    )
    with pytest.raises(TrainingError, match="Too few images have a text"):
        train(replace(cases, samples=samples), out=tmp_path / "a", **SMALL)


@pytest.mark.parametrize("change", [{"fusion": {"image": float("nan")}}, {"fusion": {"text": "a"}}, {"mask": [3]}])
def test_numbers_that_are_none_are_refused(bundle: Bundle, tmp_path: Path, change: dict[str, object]) -> None:
    place = Path(shutil.copytree(bundle.path, tmp_path / "bundle"))
    facts = json.loads((place / "text.json").read_text(encoding="utf-8"))
    for name, value in change.items():
        facts[name] = {**facts[name], **value} if isinstance(value, dict) else value
    (place / "text.json").write_text(json.dumps(facts), encoding="utf-8")
    manifest = Bundle(bundle.path).manifest
    hashes = {**manifest.hashes, "text.json": sha256_file(place / "text.json")}
    write_manifest(place, manifest.model_copy(update={"hashes": hashes}))
    with pytest.raises(BundleError, match="do not describe how this bundle reads text"):
        Predictor(place)


def test_a_table_gives_each_file_its_caption(
    bundle: Bundle, cases: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = [sample for sample in cases.samples if sample.attributes.get("caption")][:2]
    bare = next(sample for sample in cases.samples if not sample.attributes.get("caption"))
    places = [sample.path for sample in (*some, bare)]
    table = tmp_path / "said.csv"
    rows = [f'{Path(sample.path).name},"{sample.attributes["caption"]}"' for sample in reversed(some)]
    table.write_text("\n".join(["file,Caption", *rows]), encoding="utf-8")
    assert main(["predict", str(bundle.path), *places, "--captions", str(table), "--json"]) == 0
    told = capsys.readouterr()
    assert "said.csv says nothing of 1 of 3 images, or names them by a name that others share" in told.err
    found = [json.loads(line) for line in told.out.splitlines()]
    assert [one["inputs"] for one in found] == [["image", "caption"]] * 2 + [["image"]]
    predictor = Predictor(bundle)
    for one, sample in zip(found, (*some, bare), strict=True):
        own = predictor.predict(sample.path, caption=sample.attributes.get("caption"))
        assert one["probabilities"] == pytest.approx(own.probabilities, abs=1e-5)


@pytest.mark.parametrize(
    ("table", "words", "said"),
    [
        ("file,note\na.png,lung", [], "said.csv has no column caption"),
        ("file,caption\nother.png,lung", [], "No column of said.csv names these images"),
        ("file,caption\na.png,lung\na.png,knee", [], "says two things of one image"),
        ("file,caption\na.png,lung", ["--caption", "lung"], "exclude each other"),
    ],
)
def test_a_table_of_captions_that_cannot_be_used_says_why(
    bundle: Bundle, cases: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str,
    words: list[str], said: str,
) -> None:  # fmt: skip
    place, image = tmp_path / "said.csv", tmp_path / "a.png"
    place.write_text(table, encoding="utf-8")
    shutil.copy(cases.samples[0].path, image)
    assert main(["predict", str(bundle.path), str(image), "--captions", str(place), *words]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert not told.out


def test_a_table_of_captions_needs_images(bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(bundle.path), "--captions", str(tmp_path / "said.csv")]) == 2
    assert "none is named" in capsys.readouterr().err


def test_a_table_of_captions_in_every_form(
    bundle: Bundle,
    cases: Collection,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beside a row with too many cells, names without suffix, two names for one file, one name for two."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shutil.copy(cases.samples[0].path, tmp_path / folder / "same.png")
    shutil.copy(cases.samples[0].path, tmp_path / "one" / "own.png")
    table = tmp_path / "said.csv"
    table.write_text("name,CAPTION\nown,torn meniscus\nsame.png,torn meniscus\nx.png,opacity, left lung\n")
    monkeypatch.chdir(tmp_path / "two")
    words = ["predict", str(bundle.path), "../one", ".", "../one/own.png", "--captions", str(table), "--json"]
    assert main(words) == 0
    told = capsys.readouterr()
    found = {one["name"]: one["inputs"] for one in map(json.loads, told.out.splitlines())}
    assert found == {
        "../one/own.png": ["image", "caption"], "../one/same.png": ["image"], "same.png": ["image"]
    }  # fmt: skip
    assert "A row of said.csv was left out" in told.err
    assert "says nothing of 2 of 4 images, or names them by a name that others share" in told.err
    table.write_text(f"file,caption\n{tmp_path / 'two' / 'same.png'},torn meniscus\n")
    assert main(words) == 0
    found = {one["name"]: one["inputs"] for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert found["same.png"] == ["image", "caption"]
    assert found["../one/same.png"] == ["image"]
