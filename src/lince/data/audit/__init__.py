"""What ruins results, found before training: copies, leaks, shortcuts, damaged and odd images, imbalance, drift."""

from __future__ import annotations

from lince.data.audit.findings import SEVERITIES, Audit, Evidence, Finding, Probe, Severity
from lince.data.audit.kinds import KINDS
from lince.data.audit.run import audit_collection, quick_findings

__all__ = [
    "KINDS",
    "SEVERITIES",
    "Audit",
    "Evidence",
    "Finding",
    "Probe",
    "Severity",
    "audit_collection",
    "quick_findings",
]
