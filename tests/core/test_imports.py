"""What the first second of a user's day may load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

HEAVY = {
    "captum", "fastapi", "kornia", "matplotlib", "pandas", "pydicom", "scipy", "sklearn", "torch",
    "torchvision", "transformers",
}  # fmt: skip


def loaded(code: str) -> set[str]:
    """Top-level names in ``sys.modules`` after running ``code`` in a new interpreter."""
    tail = "\nimport sys, json; print('\\n' + json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import lince; lince.__version__; dir(lince)",
        "import lince; lince.LinceError",
        "from lince.cli import main; assert main(['--help']) == 0",
        "from lince.cli import main; assert main(['train', '--help']) == 0",
        "from lince.cli import main; assert main(['no-such-verb']) == 2",
    ],
)
def test_light_commands_load_nothing_heavy(code: str) -> None:
    found = loaded(code)
    assert "lince" in found
    assert found & HEAVY == set()


def test_predicting_never_loads_torchvision() -> None:
    found = loaded("import lince; lince.Predictor, lince.evaluate; import lince.models.hub, lince.explain.gradients")
    assert "torch" in found
    assert found & {"torchvision", "timm", "fastapi"} == set()


def test_public_names_are_listed_and_there() -> None:
    import lince

    assert set(dir(lince)) == set(lince.__all__)
    for name in lince.__all__:
        assert getattr(lince, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lince.nothing  # noqa: B018


@pytest.mark.parametrize("room", ["data", "evaluation", "explain", "imaging", "inference", "models", "training"])
def test_no_file_takes_the_name_of_what_a_room_offers(room: str) -> None:
    """Importing ``room/name.py`` would put the module in the place of the function ``room.name``."""
    from importlib import import_module

    package = import_module(f"lince.{room}")
    files = {place.stem for folder in package.__path__ for place in Path(folder).iterdir()}
    assert files & set(package.__all__) == set()
    assert all(not isinstance(getattr(package, name), ModuleType) for name in package.__all__)
