"""The stored study of robustness at one strength of a corruption."""

from __future__ import annotations

from fer.studies.records import RobustnessFigures, Strength


def nearest(figures: RobustnessFigures, key: str, strength: float) -> Strength:
    """Return the measured strength of a corruption nearest to this one in its unit, which may be
    negative for the other way; of two, the milder."""
    return min(
        figures["corruptions"][key]["results"],
        key=lambda result: abs(result["strength"] - abs(strength)),
    )
