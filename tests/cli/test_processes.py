"""The command as the system sees it: signals, terminals, ports."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lince.inference import Bundle

SECONDS = 120
# Large enough that no run ends by itself between an epoch that is read and the signal that follows.
TRAIN = ("--model", "small-cnn", "--image-size", "96", "--epochs", "40")

posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals are those of POSIX")


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"LINCE_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}


def heed_interrupts() -> None:
    """Whoever runs the tests in the background may have told their children to ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def lince(folder: Path, *words: object, stderr: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "lince", *map(str, words)]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        preexec_fn=heed_interrupts if os.name == "posix" else None,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(folder: Path, *words: object) -> tuple[int, str, str]:
    with lince(folder, *words) as process:
        out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


def until(process: subprocess.Popen[str], text: str) -> None:
    stream = process.stderr
    if stream is None or not any(text in line for line in stream):
        raise AssertionError(f"the process ended without saying {text!r}")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_training_goes_on(tmp_path: Path, tiny_images: Path, number: signal.Signals) -> None:
    with lince(tmp_path, "train", tiny_images, "--out", "model", *TRAIN) as process:
        until(process, "epoch 2/")
        process.send_signal(number)
        _, said = process.communicate(timeout=SECONDS)
    assert not (tmp_path / "model").exists()
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert (
            said.splitlines()[-1] == f"lince: Interrupted. Go on with: lince train {tiny_images} --out model --resume"
        )
    else:
        assert process.returncode == -signal.SIGKILL
    code, out, said = run(tmp_path, "train", tiny_images, "--out", "model", "--resume")
    assert code == 0, said
    # Epochs that were finished are not run again.
    assert "epoch 1/" not in said
    assert "Bundle: model" in out
    assert Bundle(tmp_path / "model").manifest.provenance["options"]["epochs"] == 40
    assert not list(tmp_path.glob("*.partial"))


@posix
def test_a_terminal_sees_a_bar_with_loss_and_auc(tmp_path: Path, tiny_images: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    words = ("train", tiny_images, "--out", "model", *TRAIN[:-1], 3)
    with lince(tmp_path, *words, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                block = os.read(ours, 65536)
            except OSError:  # Linux says so that the other side has gone
                break
            if not block:
                break
            seen += block
        assert process.wait(SECONDS) == 0
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    assert "━" in text
    assert re.search(r"Training \(\w+\).*\d/3.*loss \d\.\d+ +val AUC \d\.\d+", text)


@posix
def test_the_server_answers_and_stops_on_ctrl_c(tmp_path: Path, tiny_bundle: Path) -> None:
    with lince(tmp_path, "serve", tiny_bundle, "--port", 0, "--log-dir", "logs") as process:
        stream = process.stdout
        if stream is None:
            raise AssertionError("no output")
        match = re.search(r"http://127\.0\.0\.1:\d+", stream.readline())
        assert match
        with urllib.request.urlopen(f"{match[0]}/api/v1/health", timeout=SECONDS) as answer:
            assert json.load(answer)["status"] == "ok"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode in (0, 130)
    assert "Traceback" not in said
    lines = (tmp_path / "logs" / "serve.jsonl").read_text().splitlines()
    assert any(json.loads(line).get("path") == "/api/v1/health" for line in lines)


def test_the_demonstration_trains_on_phantoms_and_says_so(tmp_path: Path) -> None:
    code, out, said = run(tmp_path, "demo", "--no-serve", "--count", 60)
    assert code == 0, said
    assert "SYNTHETIC" in out
    assert re.search(r"AUC for malignant +\d\.\d+", out)
    assert (tmp_path / "lince-demo" / "bundle-fast" / "report" / "report.html").is_file()


@posix
def test_a_reader_that_leaves_is_no_error(tmp_path: Path, tiny_bundle: Path, tiny_images: Path) -> None:
    with lince(tmp_path, "predict", tiny_bundle, tiny_images) as process:
        stream = process.stdout
        if stream is None:
            raise AssertionError("no output")
        stream.close()
        said = process.stderr.read() if process.stderr else ""
        assert process.wait(SECONDS) == 0
    assert "Traceback" not in said
