"""How long `import lince` and `lince --help` take."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from bench.common import command, median_ms


def run(*, quick: bool = False) -> dict[str, Any]:
    repeats = 3 if quick else 10
    commands = {
        "python_alone_ms": [sys.executable, "-c", "pass"],
        "import_ms": [sys.executable, "-c", "import lince"],
        "help_ms": command("--help"),
    }
    return {name: _median(words, repeats) for name, words in commands.items()} | {"repeats": repeats}


def _median(words: list[str], repeats: int) -> float:
    subprocess.run(words, capture_output=True, check=True)  # warms the file cache
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(words, capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    return median_ms(seconds)
