"""A figure, and the difference of two, as frozen data that travels through JSON unchanged."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Data that does not change and has no keys but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(Frozen):
    """A figure, its confidence interval, and how the interval was made.

    Attributes
    ----------
    value
        ``None`` where the figure does not exist; ``reason`` then says why.
    low, high
        Ends of the interval; ``None`` where there is none.
    method
        Name of the interval's method.
    numerator, denominator
        Images counted, for a proportion.
    reason
        Why the value or its interval is missing.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str | None = None
    numerator: int | None = None
    denominator: int | None = None
    reason: str | None = None


class Difference(Frozen):
    """One figure minus another.

    Attributes
    ----------
    value
        ``None`` where one of the two does not exist; ``reason`` then says why.
    low, high
        Ends of its interval.
    p
        Two-sided, of the hypothesis that there is no difference.
    method
        How interval and ``p`` were made.
    reason
        Why something is missing.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    method: str | None = None
    reason: str | None = None
