"""The seven expression classes of FER-2013: order, keys, colours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Emotion:
    """One class: its label in FER-2013, its key in files and folders, its colour in every chart."""

    label: int
    key: str
    colour: str


# Order and labels are those of the ICML 2013 challenge (Goodfellow et al. 2013). The colours are
# muted (CIELAB chroma <= 50) and stay apart: the closest pair by 19 (CIEDE2000), under the three
# common colour-vision deficiencies by 13.8 (red-green) and 11.8 (blue-yellow).
EMOTIONS: tuple[Emotion, ...] = (
    Emotion(0, "angry", "#B86555"),
    Emotion(1, "disgust", "#739885"),
    Emotion(2, "fear", "#5F73C7"),
    Emotion(3, "happy", "#E6E282"),
    Emotion(4, "sad", "#82DBFF"),
    Emotion(5, "surprise", "#E6BEAD"),
    Emotion(6, "neutral", "#AEB3BA"),
)
KEYS: tuple[str, ...] = tuple(emotion.key for emotion in EMOTIONS)
COUNT = len(EMOTIONS)
LABEL_OF: dict[str, int] = {emotion.key: emotion.label for emotion in EMOTIONS}

# Other names of the seven, in folders and columns of other copies of FER-2013.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "angry": ("anger",),
    "disgust": ("disgusted",),
    "fear": ("afraid", "fearful", "scared"),
    "happy": ("happiness", "joy"),
    "sad": ("sadness",),
    "surprise": ("surprised",),
    "neutral": ("neutrality",),
}
_LABEL_BY_NAME: dict[str, int] = {
    name: LABEL_OF[key] for key, others in _SYNONYMS.items() for name in (key, *others)
}
# Every name that `find_label` accepts, in lower case.
NAMES: tuple[str, ...] = tuple(_LABEL_BY_NAME)


def find_label(name: str) -> int | None:
    """Return the label of an emotion by any of its names, in any case; None for other names."""
    return _LABEL_BY_NAME.get(name.strip().lower())
