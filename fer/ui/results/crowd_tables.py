"""Tables of how models, labels and one person agree with ten people: in words, and in numbers."""

from __future__ import annotations

import pandas as pd

from fer.crowd import study
from fer.crowd.records import CrowdNumber, CrowdSplit, Proportion, Yardstick
from fer.ui import intervals
from fer.ui.studies import crowd_charts
from fer.ui.text import _

# What stands in a cell for which nothing is measured.
NOTHING = "–"


def difference(found: CrowdSplit, name: Yardstick) -> str:
    """The gain by a yardstick, as the two shares beside it have it."""
    baseline, proposed = (found["models"][key][name]["share"] for key in study.PAIR)
    return _.difference(proposed, baseline)


def yardsticks() -> dict[Yardstick, str]:
    """What models are held against."""
    return {
        "label": _("FER-2013's label, all images"),
        "label_with_majority": _("FER-2013's label, images with a majority"),
        "majority": _("Majority of ten people"),
        "others": _("Most frequent answer of nine people"),
        "voters": _("A voter drawn at random, all images"),
    }


def _without_network(found: CrowdSplit) -> tuple[dict[str, Proportion], dict[str, Proportion]]:
    """How FER-2013's label and one person agree, by yardstick."""
    label, human = found["fer2013_label"], found["human"]
    of_label = {"majority": label["majority"], "others": label["others"], "voters": label["voters"]}
    return of_label, {"others": human["others"], "voters": human["voters"]}


def _words(of: Proportion | None) -> str:
    if of is None:
        return NOTHING
    return f"{_.percent(of['share'])} ({_.interval(of['interval'])})"


def _numbers(of: Proportion) -> dict[str, float]:
    return {
        _("Share (%)"): round(100 * of["share"], 2),
        **intervals.columns(of["interval"]),
    }


def yardstick_table(found: CrowdSplit) -> pd.DataFrame:
    """A row a yardstick; a column for each model, the gain, FER-2013's label and one person."""

    def points(name: Yardstick) -> str:
        gains = found.get("gain")
        if gains is None or name == "others":
            return NOTHING
        return f"{difference(found, name)} ({_.gain_interval(gains[name]['interval'])})"

    of_label, of_person = _without_network(found)
    rows = [
        {
            _("Agreement with"): called,
            **{key: _words(model[name]) for key, model in found["models"].items()},
            _("Gain (percentage points)"): points(name),
            _("FER-2013's label"): _words(of_label.get(name)),
            _("One person"): _words(of_person.get(name)),
        }
        for name, called in yardsticks().items()
    ]
    numbers: dict[CrowdNumber, tuple[str, int | None]] = {
        "divergence": (_("Kullback–Leibler divergence from the votes (nats)"), 3),
        "cross_entropy": (_("Cross-entropy with the votes (nats)"), 3),
        "ece_voters": (_("ECE against voters"), None),
        "ece_majority": (_("ECE against the majority"), None),
    }
    for number, (called, decimals) in numbers.items():
        rows.append(
            {
                _("Agreement with"): called,
                **{
                    key: _.percent(m[number]) if decimals is None else _.number(m[number], decimals)
                    for key, m in found["models"].items()
                },
                _("Gain (percentage points)"): NOTHING,
                _("FER-2013's label"): NOTHING,
                _("One person"): NOTHING,
            }
        )
    return pd.DataFrame(rows)


def yardstick_numbers(found: CrowdSplit) -> pd.DataFrame:
    """A row for each yardstick and each of whom is held against it, in percent."""
    of_label, of_person = _without_network(found)
    return pd.DataFrame(
        [
            {_("Agreement with"): called, _("Whose"): whose, **_numbers(of)}
            for name, called in yardsticks().items()
            for whose, of in {
                **{key: model[name] for key, model in found["models"].items()},
                _("FER-2013's label"): of_label.get(name),
                _("One person"): of_person.get(name),
            }.items()
            if of is not None
        ]
    )


def level_table(found: CrowdSplit) -> pd.DataFrame:
    """A row for each number of agreeing voters and model, shares in percent with intervals."""
    return pd.DataFrame(
        [
            {
                _("Voters who agree"): level["votes"],
                _("Images"): level["images"],
                _("Model"): key,
                _("Majority"): _words(row.get("majority")),
                _("A voter"): _words(row["voters"]),
                _("Label"): _words(row["label"]),
                _("One person"): _words(level.get("human")),
            }
            for level in found["levels"]
            for key, row in level["models"].items()
        ]
    )


def level_numbers(found: CrowdSplit) -> pd.DataFrame:
    """A row for each number of agreeing voters, each model and each yardstick, in percent."""
    return pd.DataFrame(
        [
            {
                _("Voters who agree"): level["votes"],
                _("Images"): level["images"],
                _("Whose"): whose,
                _("Agreement with"): called,
                **_numbers(of),
            }
            for level in found["levels"]
            for whose, called, of in [
                *(
                    (key, called, of)
                    for key, row in level["models"].items()
                    for called, of in (
                        (_("Majority"), row.get("majority")),
                        (_("A voter"), row["voters"]),
                        (_("Label"), row["label"]),
                    )
                ),
                (_("One person"), _("Majority"), level.get("human")),
            ]
            if of is not None
        ]
    )


def side_table(found: CrowdSplit) -> pd.DataFrame:
    """A row for each model and side: errors, and their share in percent with its interval."""
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("The crowd sides with"): called,
                _("Images"): model["errors"][side]["images"],
                _("Share of the model's errors (%)"): round(
                    100 * model["errors"][side]["share"], 2
                ),
                **intervals.columns(model["errors"][side]["interval"]),
            }
            for key, model in found["models"].items()
            for side, called in crowd_charts.side_names().items()
            if side in model["errors"]
        ]
    )
