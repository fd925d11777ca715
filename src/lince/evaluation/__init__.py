"""Measures a classifier with medical statistics: figures with intervals, calibration, a report people can read.

NumPy and plots, never torch. Names are imported on first use, so that the room costs nothing until it is entered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = [
    "Aim",
    "Assessment",
    "Estimate",
    "EvaluationError",
    "OperatingPoint",
    "ReportContext",
    "assess",
    "attribute_columns",
    "auc",
    "by_subgroup",
    "check_comparable",
    "compare",
    "decisions",
    "in_order",
    "macro_auc",
    "operating_point",
    "parse_aim",
    "reliance",
    "validate_externally",
    "weighted_auc",
    "write_report",
]

if TYPE_CHECKING:
    from lince.evaluation.assessing import assess
    from lince.evaluation.banding import attribute_columns
    from lince.evaluation.checks import EvaluationError
    from lince.evaluation.comparison import check_comparable, compare, in_order
    from lince.evaluation.context import ReportContext
    from lince.evaluation.external import validate_externally
    from lince.evaluation.figures import Assessment, Estimate
    from lince.evaluation.operating import Aim, OperatingPoint, decisions, operating_point, parse_aim
    from lince.evaluation.ranking import auc, macro_auc, weighted_auc
    from lince.evaluation.relying import reliance
    from lince.evaluation.report import write_report
    from lince.evaluation.subgroups import by_subgroup

_HOMES = {
    "Aim": "operating",
    "Assessment": "figures",
    "Estimate": "figures",
    "EvaluationError": "checks",
    "OperatingPoint": "operating",
    "ReportContext": "context",
    "assess": "assessing",
    "attribute_columns": "banding",
    "auc": "ranking",
    "by_subgroup": "subgroups",
    "check_comparable": "comparison",
    "compare": "comparison",
    "decisions": "operating",
    "in_order": "comparison",
    "macro_auc": "ranking",
    "operating_point": "operating",
    "parse_aim": "operating",
    "reliance": "relying",
    "validate_externally": "external",
    "weighted_auc": "ranking",
    "write_report": "report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lince.evaluation' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"lince.evaluation.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
