"""Answers told to screen readers, which do not notice that Streamlit drew a part of a page anew."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from fer.inference.classification import Prediction
from fer.ui.shared.text import _

SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
_component = st.components.v2.component("fer_announcer", js=SCRIPT)


def announce(sentence: str, key: str) -> None:
    """Have screen readers say a sentence of Markdown, once until it is another."""
    _component(key=f"{key}_announced", data=re.sub(r"[*`]", "", sentence))


def tops(predictions: Mapping[str, Prediction], *, with_confidence: bool = True) -> str:
    """Return each model's most probable emotion in plain words."""
    return ", ".join(
        f"{model}: {_(answer.top1)}"
        + (f" {_.percent(answer.confidence)}" if with_confidence else "")
        for model, answer in predictions.items()
    )


def listed(values: Mapping[str, tuple[str, str | None]]) -> str:
    """Return the figures of `widgets.metrics` in plain words."""
    return ", ".join(f"{label}: {value}" for label, (value, _below) in values.items())
