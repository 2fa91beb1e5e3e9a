"""What the stored study of robustness says of one strength of a corruption."""

from __future__ import annotations

from fer.studies.records import RobustnessFigures, Strength


def nearest(figures: RobustnessFigures, key: str, strength: float) -> Strength:
    """The measured strength of a corruption that lies nearest to this one; of two, the milder.

    Args:
        strength: in the corruption's unit, negative for the other way.
    """
    return min(
        figures["corruptions"][key]["results"],
        key=lambda result: abs(result["strength"] - abs(strength)),
    )
