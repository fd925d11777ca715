"""Measuring 100,000 predictions of 30,000 patients, report included: seconds and peak memory of one process.

2,000 resamples over patients, with two classes and with five.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from bench.common import Skip, scratch

IMAGES, PATIENTS = 100_000, 30_000
_MEASURED = """
import json, pathlib, resource, sys, time
import numpy as np
images, patients, classes = map(int, sys.argv[1:4])
rng = np.random.default_rng(0)
true = rng.integers(0, classes, images)
logits = rng.normal(size=(images, classes))
logits[np.arange(images), true] += 1.5
table = np.exp(logits)
table /= table.sum(axis=1, keepdims=True)
names = tuple(f"class {number}" for number in range(classes))
truth = [names[number] for number in true]
groups = [f"patient {number}" for number in rng.integers(0, patients, images)]
start = time.perf_counter()
from lince.core.types import LabelSpace
from lince.evaluation import ReportContext, assess, write_report
labels = LabelSpace(names, names[1] if classes == 2 else None)
threshold = 0.5 if classes == 2 else None
found = assess(truth, table, labels, threshold=threshold, groups=groups)
assessed = time.perf_counter()
context = ReportContext(title="Speed", model="none", collection="none", split="test", synthetic=True, created="now",
                        lince_version="0")
write_report(pathlib.Path(sys.argv[4]), found, names=[f"image {number}" for number in range(images)], truth=truth,
             probabilities=table, labels=labels, threshold=threshold, groups=groups, context=context)
done = time.perf_counter()
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "images": images, "patients": found.n_groups, "classes": classes, "assess_s": assessed - start,
    "report_s": done - assessed, "seconds": done - start, "processor_s": used.ru_utime + used.ru_stime,
    "peak_mib": used.ru_maxrss / 1024,
}))
"""


def run(*, quick: bool = False) -> dict[str, Any]:
    if sys.platform == "win32":
        raise Skip("peak memory is read with the module resource, which is not here")
    images, patients = (2_000, 600) if quick else (IMAGES, PATIENTS)
    return {f"{classes} classes": _measure(images, patients, classes) for classes in (2, 5)}


def _measure(images: int, patients: int, classes: int) -> dict[str, Any]:
    with scratch() as folder:
        words = [sys.executable, "-c", _MEASURED, *map(str, (images, patients, classes, folder / "report"))]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout)
    print(" ", found, flush=True)
    return found
