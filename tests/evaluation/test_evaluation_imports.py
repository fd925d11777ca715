from __future__ import annotations

import subprocess
import sys

import pytest

import lince.evaluation


def loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_entering_the_room_is_free_and_measuring_draws_nothing() -> None:
    assert not loaded("import lince.evaluation") & {"numpy", "pydantic", "matplotlib", "jinja2"}
    assert not loaded("from lince.evaluation import auc, assess, operating_point") & {"matplotlib", "jinja2", "torch"}


def test_reporting_needs_no_torch() -> None:
    found = loaded("from lince.evaluation import write_report")
    assert "matplotlib" in found
    assert not found & {"torch", "pandas", "sklearn", "scipy"}
    assert "matplotlib.pyplot" not in found


@pytest.mark.parametrize("name", lince.evaluation.__all__)
def test_public_names_are_there_and_explained(name: str) -> None:
    assert len(getattr(lince.evaluation, name).__doc__) > 20
    assert name in dir(lince.evaluation)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError):
        _ = lince.evaluation.nothing
