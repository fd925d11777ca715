"""The model card: what a person should know before using a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lince.core.files import atomic_file
from lince.inference.bundle import CARD, NOVELTY, BundleManifest

_ROWS = (
    ("auc", "AUC"),
    ("sensitivity", "Sensitivity"),
    ("specificity", "Specificity"),
    ("ppv", "PPV"),
    ("npv", "NPV"),
    ("accuracy", "Accuracy"),
)

RESEARCH_ONLY = "For research use. Not a medical device: not for diagnosis, treatment or triage."
SYNTHETIC = "Trained on SYNTHETIC images (computer-made phantoms): it knows nothing of real patients."


def estimate_text(estimate: dict[str, Any]) -> str:
    """``0.914 [0.870, 0.951]``, or a dash where there is no value."""
    if estimate.get("value") is None:
        return "–"
    text = f"{estimate['value']:.3f}"
    if estimate.get("low") is not None:
        text += f" [{estimate['low']:.3f}, {estimate['high']:.3f}]"
    return text


def _calibration(manifest: BundleManifest) -> str:
    calibration = manifest.trust.calibration
    if calibration.kind == "none":
        return "none (it would not have helped)"
    if calibration.temperature is not None:
        return f"temperature {calibration.temperature:.3f}"
    return "a scale and a shift for each class"


def _limits(manifest: BundleManifest) -> list[str]:
    """What the trust of the bundle does and does not cover."""
    trust, lines = manifest.trust, []
    if trust.sets is not None:
        lines.append(
            f"- Prediction sets hold the true class for {trust.sets.coverage:.0%} of the images of each class, as long "
            "as new images come as these did."
        )
        few = [manifest.classes[index] for index in trust.sets.without_guarantee]
        if few:
            lines.append(f"- Too few images for a prediction set: {', '.join(few)}; always part of the set.")
    if NOVELTY in manifest.hashes:
        lines.append("- Images unlike the training images are refused; it is no proof that the others are suitable.")
    else:
        lines.append("- It answers for every image it is given, also for images of something else.")
    return lines


def write_card(folder: Path, manifest: BundleManifest) -> None:
    """Write ``card.md`` (after the model cards of Mitchell et al., 2019).

    Raises
    ------
    OutputError
        The card cannot be written.
    """
    lines = [f"# {manifest.name}", "", f"**{RESEARCH_ONLY}**", ""]
    if manifest.synthetic:
        lines += [f"**{SYNTHETIC}**", ""]
    point = manifest.operating_point
    held_out = "out of fold" if "folds" in manifest.figures else "validation"
    lines += [
        f"- Classes: {', '.join(manifest.classes)}; positive: {manifest.positive or 'none'}",
        f"- Model: {manifest.model.name}, {manifest.image.size} px, {manifest.image.channels} channel(s), "
        f"images that are not square: {manifest.image.fit}",
        f"- Trained: {manifest.created} with lince {manifest.lince_version}",
        f"- Calibration: {_calibration(manifest)}, fitted on {held_out} predictions",
    ]
    classifier = (manifest.model.facts or {}).get("classifier")
    if classifier is not None:
        lines.append(f"- Classifier: {classifier} on standardised descriptors")
    lines += [
        f"- Member: {one['model']}, {one['size']} px, weight {one['share']:.2f}"
        f"{', and the mirror image' if one['mirrored'] else ''}"
        for one in (manifest.model.facts or {}).get("members", [])
    ]
    if point is not None:
        lines.append(
            f"- Operating point: {manifest.positive} from a probability of {point.threshold:.3f} on "
            f"(aim: {point.aim}, chosen on {point.chosen_on})"
        )
    lines += ["", "## Figures", "", f"| | test | {held_out} |", "|---|---|---|"]
    test, val = manifest.figures.get("test", {}), manifest.figures.get("val", {})
    lines.append(f"| images | {test.get('n', '–')} | {val.get('n', '–')} |")
    lines += [
        f"| {title} [95 %] | {estimate_text(test.get(key, {}))} | {estimate_text(val.get(key, {}))} |"
        for key, title in _ROWS
    ]
    lines += [
        "",
        "## Limits",
        "",
        "- Measured on images from the same collection as the training images; other devices, populations and "
        "protocols may give worse figures. Measure on your own images before relying on it: `lince evaluate`.",
        *_limits(manifest),
        "",
    ]
    with atomic_file(folder / CARD, "w") as stream:
        stream.write("\n".join(lines))
