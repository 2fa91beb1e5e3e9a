"""The first page: the comparison at a glance, a photo to try, what is installed, who made it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer import FerError, __version__, dataset, emotions, intake
from fer.scenarios import SCENARIOS
from fer.ui import about, answers, charts, loaders, parts
from fer.ui.text import Translator


def show(_: Translator) -> None:
    """What is compared, answers for a photo, what is installed, and whose work it is."""
    st.markdown(
        _(
            "How much does fine-tuning VGG16 with a Squeeze-and-Excitation block gain over a "
            "frozen VGG16 on the 35,887 faces of FER-2013?"
        )
    )
    scenarios(_)
    st.header(_("Try a photo"), anchor="photo")
    upload = st.file_uploader(
        _("A photo with one or more faces (JPEG, PNG, WebP, BMP; up to 40 MB)"),
        type=["jpg", "jpeg", "png", "webp", "bmp"],
        max_upload_size=intake.IMAGE_BYTES >> 20,
        key="photo",
    )
    if upload is not None:
        try:
            answers.photo(upload.getvalue(), upload.name, "home", _)
        except FerError as error:
            st.error(_.error(error))
        st.caption(
            _("The photo stays in this server's memory for ten minutes and is never stored.")
        )
    installed(_)
    about.show(_)
    parts.sources(_)


def scenarios(_: Translator) -> None:
    """A card for each scenario and the gain between them."""
    models = loaders.models()
    for column, scenario in zip(st.columns(len(SCENARIOS)), SCENARIOS.values(), strict=True):
        with column.container(border=True, height="stretch"):
            st.subheader(
                f"{charts.swatch(scenario.key)} {_('Scenario')} "
                f"{list(SCENARIOS).index(scenario.key) + 1} · {scenario.key}"
            )
            st.write(about.describe(scenario, _))
            model = models.get(scenario.key)
            if model is None and (loaders.MODELS / scenario.key).exists():
                st.caption(_("Its files are not as published, so it does not answer; see below."))
                continue
            if model is None or model.metrics is None:
                st.caption(
                    _(
                        "Not trained here yet. Run `fer train {key}`, `fer publish runs/{key}` and "
                        "`fer evaluate`.",
                        key=scenario.key,
                    )
                )
                continue
            private = model.metrics["splits"]["PrivateTest"]
            with st.container(horizontal=True):
                st.metric(
                    _("PrivateTest accuracy"),
                    _.percent(private["accuracy"]),
                    _.interval(private["accuracy_interval"]),
                    delta_color="off",
                    delta_arrow="off",
                    help=_(
                        "Top-1, one crop, {n} images; below it the 95 % bootstrap interval."
                    ).format(n=_.number(private["images"])),
                )
                st.metric(_("Macro F1"), _.number(private["macro_f1"], 3))
            st.caption(
                _(
                    "{size} px input · {megabytes} MB · published {date} · SHA-256 {digest}",
                    size=model.scenario.input_size,
                    megabytes=_.number(model.size / 1e6, 1),
                    date=model.config["published"],
                    digest=model.digest[:12],
                )
            )

    comparison = loaders.comparison()
    if comparison is not None:
        gain = comparison["splits"]["PrivateTest"]
        low, high = gain["gain_interval"]
        p_value = gain["mcnemar_p"]
        st.markdown(
            _(
                "**Gain of `proposed` on PrivateTest: {gain} percentage points** (95 % interval "
                "{low} to {high}; McNemar's exact test p {p}).",
                gain=_.number(100 * gain["gain"], 1),
                low=_.number(100 * low, 1),
                high=_.number(100 * high, 1),
                p=f"< {_.number(0.001, 3)}" if p_value < 0.001 else f"= {_.number(p_value, 3)}",
            )
        )


def installed(_: Translator) -> None:
    """Which data are here, and how many images each class has officially."""
    st.header(_("What is installed"), anchor="installed")
    try:
        data = loaders.data()
    except FerError as error:
        data = None
        st.error(_.error(error))
    if data is not None:
        st.write(_("FER-2013 is imported: {n} images.", n=_.number(len(data))))
    else:
        st.write(
            _(
                "FER-2013 is not imported; the figures come from stored results. To see its "
                "images, run `fer data download`, or `fer data import archive.zip`."
            )
        )
    official = pd.DataFrame(
        {str(split): dataset.OFFICIAL_COUNTS[split] for split in dataset.SPLITS},
        index=pd.Index([_(key) for key in emotions.KEYS], name=_("Emotion")),
    )
    st.dataframe(
        official,
        key="official_counts",
        alt=_("Images per class and official split (Goodfellow et al. 2013)."),
    )
    st.caption(_("Images per class and official split (Goodfellow et al. 2013)."))
    st.caption(_("Version {version} of this dashboard.", version=__version__))
