"""A part of some work is told as the whole, and under a name that the part does not know."""

from __future__ import annotations

from typing import Any

from fer.progress import part_of, with_details


def test_parts_and_details_are_told_as_of_the_whole() -> None:
    told: list[tuple[float, float, dict[str, Any]]] = []

    def listen(done: float, total: float, /, **details: Any) -> None:
        told.append((done, total, details))

    for number in range(3):
        part = part_of(with_details(listen, study="gates"), 10 * number, 10 * (number + 1), 30)
        assert part is not None
        # Its own unit is another one.
        part(1, 2, loss=0.5)
        part(2, 2)
    assert [done for done, _, _ in told] == [5, 10, 15, 20, 25, 30]
    assert {total for _, total, _ in told} == {30}
    assert [details for *_, details in told[:2]] == [
        {"study": "gates", "loss": 0.5},
        {"study": "gates"},
    ]
    # Nobody is told where nobody listens.
    assert part_of(None, 0, 1, 2) is with_details(None, study="gates") is None
