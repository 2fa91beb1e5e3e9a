"""The load run fails where it should."""

from __future__ import annotations

import pytest

from tests.benchmarks.load import Observations, quantiles
from tests.support.visitors import Page


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, []),
        ({"mixed": ["visitor 1: a instead of b"]}, ["not theirs"]),
        ({"troubles": ["ValueError: x"]}, ["There were errors"]),
        ({"uploads": [0.5, 9.0]}, ["more than 3.0 s"]),
        ({"uploads": []}, ["Nothing was uploaded"]),
        ({"memory": [600.0, 2600.0, 700.0]}, ["2600 MB, more than 2500 MB"]),
    ],
)
def test_what_a_run_must_not_show_is_told(changed: dict[str, object], says: list[str]) -> None:
    seen = Observations(**{"uploads": [0.5, 1.0], "memory": [600.0, 700.0], **changed})  # type: ignore[arg-type]
    found = seen.problems(3.0, 2500)
    assert len(found) == len(says)
    assert all(part in sentence for part, sentence in zip(says, found, strict=True))


def test_answers_are_read_from_the_page() -> None:
    page = Page(
        texts=[
            ":orange[▨] Scenario 1 · baseline",
            ":orange[▨] baseline: **happy** 63.1%  \n:violet[■] proposed: **sad** 88.9%",
        ]
    )
    assert page.answers == ("baseline: **happy** 63.1%", "proposed: **sad** 88.9%")


def test_quantiles() -> None:
    assert quantiles([1.0, 2.0, 3.0]) == {"n": 3, "p50": 2.0, "p95": 2.9, "max": 3.0}
