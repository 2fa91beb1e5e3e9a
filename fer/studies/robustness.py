"""The stored study of robustness at one strength of a corruption."""

from __future__ import annotations

from fer.studies.records import RobustnessFigures, Strength


def nearest(figures: RobustnessFigures, key: str, strength: float) -> Strength:
    """Return the measured strength of a corruption that is nearest to this one; of two, the milder.

    Args:
        strength: in the corruption's unit, negative for the other way.
    """
    return min(
        figures["corruptions"][key]["results"],
        key=lambda result: abs(result["strength"] - abs(strength)),
    )
