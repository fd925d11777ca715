"""A small MedPix 2.0 on disk, in the publisher's form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

Line = dict[str, Any]


def description(case: int, number: int, kind: str = "CT", location: str = "Abdomen", **fields: Any) -> Line:
    """A line of ``descriptions_*.jsonl``; ``fields`` replace what stands in ``Description``."""
    text = {"ACR Codes": "8.-1", "Age": "73", "Caption": f"Caption {number}.", "Figure Part": None}
    text |= {"Modality": f"{kind} - noncontrast", "Plane": "Axial", "Sex": "male"}
    return {
        "Type": kind,
        "U_id": f"MPX{case}",
        "image": f"MPX{case}_synpic{number}",
        "Description": text | fields,
        "Location": location,
        "Location Category": "Abdomen",
    }


def told(case: int, **fields: Any) -> Line:
    """A line of ``data_*.jsonl``."""
    report = {"Title": f"Title {case}", "History": f"History {case}", "Exam": "N/A", "Findings": None}
    report |= {"Case Diagnosis": f"Diagnosis {case}", "Treatment & Follow Up": "Rest."}
    topic = {"Title": f"Topic {case}", "Category": "Trauma" if case % 2 else "Vascular", "ACR Code": "1.9"}
    return {"U_id": f"MPX{case}", "TAC": [], "MRI": [], "Case": report | fields, "Topic": topic}


def write_lines(path: Path, lines: list[Line]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def write_images(folder: Path, lines: list[Line]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(lines):
        Image.new("L", (12, 10), number * 7 % 256).save(folder / f"{line['image']}.png")


TRAIN = [
    description(1, 10, "CT", "Abdomen", Age="73", Sex="male"),
    description(1, 11, "CT", "Abdomen", Age="73", Sex="male"),
    description(2, 20, "MR", "Spine", Age="30", Sex="female"),
    description(3, 30, "MR", "Chest, Pulmonary", Age="8", Sex="female", Plane="Coronal"),
    description(4, 40, "CT", "Spine", Age="61", Sex="female"),
]
DEV = [description(5, 50, "CT", "Abdomen", Age="45"), description(6, 60, "MR", "Brain and Neuro", Age="18")]


def write_medpix(root: Path) -> Path:
    """Seven images of six cases, five in train and two in dev."""
    for part, lines in (("train", TRAIN), ("dev", DEV)):
        write_lines(root / "splitted_dataset" / f"descriptions_{part}.jsonl", lines)
        cases = sorted({int(line["U_id"][3:]) for line in lines})
        write_lines(root / "splitted_dataset" / f"data_{part}.jsonl", [told(case) for case in cases])
    write_images(root / "images", TRAIN + DEV)
    return root
