"""One prediction over HTTP, with and without its heat map, and 32 clients at once, against bare forward passes."""

from __future__ import annotations

import http.client
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.common import PEERS, Bare, bundle, command, median_ms, scratch, stop

CLIENTS, CLIENT_PROCESSES = 32, 2
PATH = "/api/v1/predictions"


def run(*, quick: bool = False) -> dict[str, Any]:
    repeats, seconds = (20, 3.0) if quick else (200, 15.0)
    place = bundle()
    bare = Bare(place)
    png = picture()
    with _lince(place) as port:
        # The bare pass runs beside an idle server, before and after it is measured.
        first = _bare_single(bare, png, repeats // 2)
        single = _single(port, png, PATH, repeats)
        explained = _single(port, png, f"{PATH}?explain=true", repeats)
        alone = median_ms(first + _bare_single(bare, png, repeats // 2))
        batched = [bare.seconds_per_image(320)]
        many = crowd(port, png, PATH, seconds)
        batched.append(bare.seconds_per_image(320))
    forward = 2 / sum(batched)
    return {
        "bare_dtype": bare.dtype,
        "bare_single_ms": alone,
        "http_ms": single,
        "http_ratio": single / alone,
        "explained_ms": explained,
        "explained_ratio": explained / alone,
        "bare_batched_per_s": forward,
        "clients": CLIENTS,
        "clients_per_s": many["per_s"],
        "clients_share": many["per_s"] / forward,
        "clients_errors": many["errors"],
        "clients_median_ms": many["median_ms"],
        "clients_p95_ms": many["p95_ms"],
        "flask_peer": _against_flask(png, repeats, seconds),
    }


def picture() -> bytes:
    """A 224 px grey PNG with speckle: as hard to decode as an ultrasound image."""
    import numpy as np
    from PIL import Image

    values = np.random.default_rng(0).rayleigh(60, (224, 224)).clip(0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "PNG")
    return stream.getvalue()


def _bare_single(bare: Bare, png: bytes, repeats: int) -> list[float]:
    import numpy as np
    import torch
    from PIL import Image

    found = []
    for _ in range(repeats + 5):
        start = time.perf_counter()
        values = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.float32) / 255
        bare(torch.from_numpy(values).permute(2, 0, 1)[None]).numpy()
        found.append(time.perf_counter() - start)
    return found[5:]


@contextmanager
def _lince(place: Path) -> Iterator[int]:
    server = subprocess.Popen(command("serve", place, "--port", 0), stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline() if server.stdout else ""
        if "http://" not in line:
            raise RuntimeError(f"the server did not start: {line}")
        yield int(line.split("http://127.0.0.1:")[1].split()[0])
    finally:
        stop(server)


def _post(link: http.client.HTTPConnection, path: str, body: bytes, kind: str) -> bool:
    link.request("POST", path, body, {"Content-Type": kind})
    answer = link.getresponse()
    return answer.status == 200 and "probabilities" in json.loads(answer.read())


def _single(port: int, body: bytes, path: str, repeats: int, kind: str = "image/png") -> float:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    seconds = []
    for _ in range(repeats + 5):
        start = time.perf_counter()
        if not _post(link, path, body, kind):
            raise RuntimeError(f"no prediction from {path}")
        seconds.append(time.perf_counter() - start)
    return median_ms(seconds[5:])


def crowd(port: int, body: bytes, path: str, seconds: float, kind: str = "image/png") -> dict[str, float]:
    """32 clients, each with its own connection, asking again as soon as they are answered."""
    context = get_context("spawn")
    share = CLIENTS // CLIENT_PROCESSES
    with context.Pool(CLIENT_PROCESSES) as pool:
        work = [(port, body, path, seconds, kind, share)] * CLIENT_PROCESSES
        found = pool.starmap(_clients, work, chunksize=1)
    times = sorted(time_ for part in found for time_ in part[0])
    if not times:
        return {"per_s": 0.0, "errors": sum(part[1] for part in found), "median_ms": 0.0, "p95_ms": 0.0}
    return {
        "per_s": len(times) / seconds,
        "errors": sum(part[1] for part in found),
        "median_ms": 1e3 * times[len(times) // 2],
        "p95_ms": 1e3 * times[int(0.95 * len(times))],
    }


def _clients(port: int, body: bytes, path: str, seconds: float, kind: str, count: int) -> tuple[list[float], int]:
    """One process of clients: answers inside the measured time, after two seconds of warming up."""
    from concurrent.futures import ThreadPoolExecutor

    begin = time.perf_counter() + 2
    end = begin + seconds

    def client(_: int) -> tuple[list[float], int]:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        times, errors = [], 0
        while (start := time.perf_counter()) < end:
            try:
                good = _post(link, path, body, kind)
            except (OSError, http.client.HTTPException, ValueError):
                good = False
                link.close()
            done = time.perf_counter()
            errors += not good
            if good and begin <= done < end:
                times.append(done - start)
        return times, errors

    with ThreadPoolExecutor(count) as pool:
        parts = list(pool.map(client, range(count)))
    return [t for part in parts for t in part[0]], sum(part[1] for part in parts)


def _against_flask(png: bytes, repeats: int, seconds: float) -> dict[str, Any] | str:
    """The Flask peer and a lince small-cnn, with the same image: times and throughput."""
    script = PEERS / "flask_small_cnn.py"
    if not script.exists():
        return "not measured: the peer's script is not here"
    boundary = "lince-bench"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'.encode()
    body, kind = head + png + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
    with scratch() as folder:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), "flask"]
        if subprocess.run(install, capture_output=True, check=False).returncode:
            return "not measured: flask cannot be installed here"
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        port = 8099
        peer = subprocess.Popen(
            [sys.executable, str(script), "--port", str(port)],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _until_up(port, body, kind)
            theirs = _both(port, body, "/predict", repeats, seconds, kind)
        finally:
            stop(peer)
    with _lince(bundle("small-cnn")) as port:
        ours = _both(port, body, PATH, repeats, seconds, kind)
    return {"flask": theirs, "lince_small_cnn": ours}


def _both(port: int, body: bytes, path: str, repeats: int, seconds: float, kind: str) -> dict[str, float]:
    return {"single_ms": _single(port, body, path, repeats, kind), **crowd(port, body, path, seconds, kind)}


def _until_up(port: int, body: bytes, kind: str) -> None:
    for _ in range(120):
        try:
            if _post(http.client.HTTPConnection("127.0.0.1", port, timeout=10), "/predict", body, kind):
                return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError("the Flask peer does not answer")
