"""Module 1: what FER-2013 contains."""

import streamlit as st

from fer import FerError
from fer.ui import loaders, widgets
from fer.ui.dataset import class_pixels, dataset_sections, label_votes, sample_views
from fer.ui.text import _

st.markdown(_("What is in FER-2013, how even are its classes, and how clean are its splits?"))
try:
    data = loaders.data()
except FerError as error:
    data = None
    st.error(_.error(error))
widgets.notices()
try:
    counts = dataset_sections.counts(data)
    duplicates = dataset_sections.duplicates()
    leaked = duplicates["exact_or_near"]["leaked"]
    widgets.metrics(
        {
            _("Images"): (
                _.number(sum(sum(by_class.values()) for by_class in counts.values())),
                _("48×48 pixels, gray"),
            ),
            _("Classes"): ("7", _("one label for each image")),
            _("Imbalance"): (
                f"{_.number(dataset_sections.imbalance(counts['Training']), 1)}×",
                _("largest to smallest class of Training"),
            ),
            _("Leaked test images"): (
                _.number(sum(leaked.values())),
                _("also in Training, exactly or nearly"),
            ),
        },
        "dataset_metrics",
    )

    sample_views.show()

    st.header(_("Splits and classes"), anchor="distribution")
    units = {"share": _("Share"), "count": _("Images")}
    unit = widgets.choice(
        _("Unit"),
        units,
        "distribution_unit",
        is_labelled=False,
    )
    widgets.chart(
        dataset_sections.distribution_chart(data, unit == "share", _.language),
        key="distribution",
        alt=_("Bars: how many images of each emotion the three splits have"),
    )
    if details := widgets.opened(_("Table and download"), "distribution_details"):
        with details:
            widgets.table(
                dataset_sections.count_table(counts),
                "counts",
                _("Images of each emotion and split"),
            )
            st.caption(
                _("Imbalance ratio:")
                + " "
                + " · ".join(
                    f"{split} {_.number(dataset_sections.imbalance(by_class), 1)}×"
                    for split, by_class in counts.items()
                )
            )

    st.header(_("Mean faces and pixels"), anchor="faces")
    st.write(
        _(
            "The average of all Training faces of a class: a smile survives averaging, fear and "
            "sadness hardly differ."
        )
    )
    class_pixels.show()
    widgets.folded_table(
        class_pixels.pixel_table, "pixels", _("Pixel statistics of each emotion"), "pixel_details"
    )

    st.header(_("Duplicates and leakage"), anchor="duplicates")
    private_images = sum(loaders.summary()["counts"]["PrivateTest"].values())
    st.write(
        _(
            "{private} PrivateTest and {public} PublicTest images have an exact or near duplicate "
            "in Training, so a model that memorises gains up to {share} of PrivateTest for free; "
            "{conflicts} duplicate pairs carry two different labels.",
            private=_.number(leaked["PrivateTest"]),
            public=_.number(leaked["PublicTest"]),
            share=_.percent(leaked["PrivateTest"] / private_images),
            conflicts=_.number(duplicates["exact_or_near"]["pairs_with_different_labels"]),
        )
    )
    widgets.table(
        dataset_sections.pair_table(),
        "duplicates",
        _("Pairs of duplicates within and across splits"),
    )
    st.caption(
        _(
            "Exact: equal pixels. Near: perceptual hashes that differ in at most {bits} of 63 bits "
            "and pixels that correlate by at least {correlation}; exact pairs are not counted "
            "again.",
            bits=duplicates["hash_distance"],
            correlation=_.number(duplicates["correlation"], 1),
        )
    )

    st.header(_("Labels and people"), anchor="labels")
    label_votes.show(data)

    st.header(_("Images"), anchor="images")
    if data is None:
        dataset_sections.offer_import()
    else:
        dataset_sections.browse(data)
except FerError as error:
    st.error(_.error(error))
widgets.sources(None if data is None else data.digest)
