"""Tables of how models, labels and one person agree with ten people: to read, and of numbers."""

from __future__ import annotations

import pandas as pd

from fer.crowd import study
from fer.crowd.agreement import Side
from fer.crowd.records import CrowdNumber, CrowdSplit, LevelAgreement, Proportion, Yardstick
from fer.ui.shared import widgets
from fer.ui.shared.text import _

# Stands in a cell for which nothing is measured.
NOTHING = "–"


def tables(crowd: CrowdSplit) -> list[tuple[str, str, pd.DataFrame, pd.DataFrame | None]]:
    """Return key, title, the table to read and, where its cells are words, that of numbers."""
    return [
        (
            "yardsticks",
            _("Models, label and one person by each yardstick"),
            yardstick_table(crowd),
            yardstick_numbers(crowd),
        ),
        (
            "levels",
            _("Agreement with the majority by the number of voters who make it"),
            level_table(crowd),
            level_numbers(crowd),
        ),
        ("sides", _("With whom the crowd sides in each model's errors"), side_table(crowd), None),
    ]


def side_names() -> dict[Side, str]:
    """Return the names of `agreement.SIDES`."""
    return {
        "model": _("the model"),
        "label": _("the label"),
        "both": _("both, by a tie"),
        "neither": _("neither"),
        "no_majority": _("no majority"),
    }


def difference(crowd: CrowdSplit, yardstick: Yardstick) -> str:
    """Return the gain by a yardstick, as the two shares beside it have it."""
    baseline, proposed = (crowd["models"][key][yardstick]["share"] for key in study.PAIR)
    return _.difference(proposed, baseline)


def _yardsticks(crowd: CrowdSplit) -> list[tuple[Yardstick, str, dict[str, Proportion]]]:
    """Return each yardstick with its name and who was held against it."""
    label, human = crowd["fer2013_label"], crowd["human"]
    names: dict[Yardstick, str] = {
        "label": _("FER-2013's label, all images"),
        "label_with_majority": _("FER-2013's label, images with a majority"),
        "majority": _("Majority of ten people"),
        "others": _("Most frequent answer of nine people"),
        "voters": _("A voter drawn at random, all images"),
    }
    others: dict[Yardstick, dict[str, Proportion]] = {
        "majority": {_("FER-2013's label"): label["majority"]},
        "others": {_("FER-2013's label"): label["others"], _("One person"): human["others"]},
        "voters": {_("FER-2013's label"): label["voters"], _("One person"): human["voters"]},
    }
    models = crowd["models"]
    return [
        (yardstick, name, {k: m[yardstick] for k, m in models.items()} | others.get(yardstick, {}))
        for yardstick, name in names.items()
    ]


def _in_words(value: Proportion | None) -> str:
    return (
        NOTHING
        if value is None
        else f"{_.percent(value['share'])} ({_.interval(value['interval'])})"
    )


def _in_numbers(value: Proportion) -> dict[str, float]:
    return {
        _("Share (%)"): round(100 * value["share"], 2),
        **widgets.interval_columns(value["interval"]),
    }


def yardstick_table(crowd: CrowdSplit) -> pd.DataFrame:
    """A row a yardstick; a column for each model, the gain, FER-2013's label and one person."""

    def points(yardstick: Yardstick) -> str:
        gains = crowd.get("gain")
        if gains is None or yardstick == "others":
            return NOTHING
        return f"{difference(crowd, yardstick)} ({_.gain_interval(gains[yardstick]['interval'])})"

    rows = [
        {
            _("Agreement with"): name,
            **{key: _in_words(values[key]) for key in crowd["models"]},
            _("Gain (percentage points)"): points(yardstick),
            _("FER-2013's label"): _in_words(values.get(_("FER-2013's label"))),
            _("One person"): _in_words(values.get(_("One person"))),
        }
        for yardstick, name, values in _yardsticks(crowd)
    ]
    numbers: dict[CrowdNumber, tuple[str, int | None]] = {
        "divergence": (_("Kullback–Leibler divergence from the votes (nats)"), 3),
        "cross_entropy": (_("Cross-entropy with the votes (nats)"), 3),
        "ece_voters": (_("ECE against voters"), None),
        "ece_majority": (_("ECE against the majority"), None),
    }
    rows += [
        {
            _("Agreement with"): name,
            **{
                key: _.percent(m[number]) if decimals is None else _.number(m[number], decimals)
                for key, m in crowd["models"].items()
            },
        }
        for number, (name, decimals) in numbers.items()
    ]
    return pd.DataFrame(rows).fillna(NOTHING)


def yardstick_numbers(crowd: CrowdSplit) -> pd.DataFrame:
    """A row for each yardstick and each of whom is held against it, in percent."""
    return pd.DataFrame(
        [
            {_("Agreement with"): name, _("Whose"): whose, **_in_numbers(value)}
            for _yardstick, name, values in _yardsticks(crowd)
            for whose, value in values.items()
        ]
    )


def _level_values(row: LevelAgreement) -> dict[str, Proportion | None]:
    return {
        _("Majority"): row.get("majority"),
        _("A voter"): row["voters"],
        _("Label"): row["label"],
    }


def level_table(crowd: CrowdSplit) -> pd.DataFrame:
    """A row for each number of agreeing voters and model, shares in percent with intervals."""
    return pd.DataFrame(
        [
            {
                _("Voters who agree"): level["votes"],
                _("Images"): level["images"],
                _("Model"): key,
                **{name: _in_words(value) for name, value in _level_values(row).items()},
                _("One person"): _in_words(level.get("human")),
            }
            for level in crowd["levels"]
            for key, row in level["models"].items()
        ]
    )


def level_numbers(crowd: CrowdSplit) -> pd.DataFrame:
    """A row for each number of agreeing voters, each model and each yardstick, in percent."""
    return pd.DataFrame(
        [
            {
                _("Voters who agree"): level["votes"],
                _("Images"): level["images"],
                _("Whose"): whose,
                _("Agreement with"): name,
                **_in_numbers(value),
            }
            for level in crowd["levels"]
            for whose, values in (
                *((key, _level_values(row)) for key, row in level["models"].items()),
                (_("One person"), {_("Majority"): level.get("human")}),
            )
            for name, value in values.items()
            if value is not None
        ]
    )


def side_table(crowd: CrowdSplit) -> pd.DataFrame:
    """A row for each model and side: errors, and their share in percent with its interval."""
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("The crowd sides with"): name,
                _("Images"): errors[side]["images"],
                _("Share of the model's errors (%)"): round(100 * errors[side]["share"], 2),
                **widgets.interval_columns(errors[side]["interval"]),
            }
            for key, model in crowd["models"].items()
            for side, name in side_names().items()
            if side in (errors := model["errors"])
        ]
    )
