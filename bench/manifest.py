"""Reading a manifest of 1,000,000 rows and splitting it by patient: seconds and peak memory of one process.

The images are there, as a million empty files in 200 folders: reading a manifest looks for every file and opens none.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.common import Skip, scratch

PER_FOLDER = 5_000
_MEASURED = """
import json, resource, sys, time
start = time.perf_counter()
from lince.data import load, split_collection
imported = time.perf_counter()
collection = load(sys.argv[1])
read = time.perf_counter()
parts = split_collection(collection)
done = time.perf_counter()
print(json.dumps({
    "rows": len(parts), "groups": len({sample.group for sample in parts.samples}),
    "import_s": imported - start, "read_s": read - imported, "split_s": done - read,
    "seconds": done - start, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def run(*, quick: bool = False) -> dict[str, Any]:
    if sys.platform == "win32":
        raise Skip("peak memory is read with the module resource, which is not here")
    count = 10_000 if quick else 1_000_000
    with scratch() as folder:
        table = _write(folder, count)
        found = {"csv": _measure(table)}
        parquet = folder / "manifest.parquet"
        _as_parquet(table, parquet)
        return found | {"parquet": _measure(parquet)}


def _write(folder: Path, count: int) -> Path:
    """Empty files, and a table of them: three classes, four images a patient, three attributes."""
    chosen = random.Random(0)
    place = folder / "manifest.csv"
    with place.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "label", "group", "age", "sex", "device"))
        for number in range(count):
            inside = folder / "images" / f"{number // PER_FOLDER:03d}"
            if number % PER_FOLDER == 0:
                inside.mkdir(parents=True)
            (inside / f"{number:07d}.png").touch()
            path = f"images/{inside.name}/{number:07d}.png"
            label = chosen.choice(("benign", "malignant", "normal"))
            patient = f"patient-{chosen.randrange(count // 4)}"
            writer.writerow(
                (path, label, patient, chosen.randrange(18, 95), chosen.choice("FM"), chosen.choice(("GE", "Philips")))
            )
    return place


def _as_parquet(table: Path, out: Path) -> None:
    import pandas as pd

    pd.read_csv(table).to_parquet(out)


def _measure(table: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", _MEASURED, str(table)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout)
    print(" ", found, flush=True)
    return found
