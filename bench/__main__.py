"""`python -m bench [NAME ...] [--quick]` measures; `python -m bench --table [--write]` shows what was measured."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from typing import Any

from bench.common import Skip, save
from bench.table import markdown, write

TOPICS = (
    "startup",
    "serving",
    "predict",
    "chest",
    "busi",
    "memory",
    "demo",
    "epoch",
    "keras",
    "audit",
    "manifest",
    "evaluation",
    "coverage",
    "accuracy-busi",
    "accuracy-breastmnist",
    "accuracy-small-cnn",
    "accuracy-chest",
    "ceiling",
    "augmentation",
    "resnet",
    "trust",
    "heatmaps",
    "descriptors",
    "medpix-descriptors",
    "medpix-text",
)


def _measure(name: str, *, quick: bool) -> Any:
    """A topic is a module with ``run``; of a name with a dash, the second part is the function."""
    module, _, function = name.partition("-")
    return getattr(importlib.import_module(f"bench.{module}"), function.replace("-", "_") or "run")(quick=quick)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TOPICS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="small runs that only prove that it works; not saved")
    parser.add_argument("--table", action="store_true", help="print the table of the results")
    parser.add_argument("--write", action="store_true", help="with --table: put it into the READMEs")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(TOPICS))
    if unknown:
        parser.error(f"there is no {unknown[0]}; choose of {', '.join(TOPICS)}")
    if chosen.table or chosen.write:
        print(markdown("en"))
        if chosen.write:
            write()
        return 0
    failed = False
    for name in chosen.names or TOPICS:
        print(f"{name} ...", flush=True)
        load = os.getloadavg()[0]
        try:
            figures = _measure(name, quick=chosen.quick)
        except Skip as reason:
            print(f"  skipped: {reason}")
            continue
        except Exception as error:
            print(f"  failed: {type(error).__name__}: {error}", file=sys.stderr)
            failed = True
            continue
        print(json.dumps(figures, indent=1, ensure_ascii=False))
        if not chosen.quick:
            print(f"  saved in {save(name, figures, load).name}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
