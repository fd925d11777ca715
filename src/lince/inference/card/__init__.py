"""The model card: what a person should know before using a bundle (after Mitchell et al., 2019), and two checklists."""

from __future__ import annotations

from lince.inference.card.measured import Evaluation
from lince.inference.card.writing import RESEARCH_ONLY, write_card

__all__ = ["RESEARCH_ONLY", "Evaluation", "write_card"]
