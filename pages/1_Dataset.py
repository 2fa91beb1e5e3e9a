"""Module 1: what FER-2013 contains."""

import streamlit as st

from fer import FerError
from fer.ui import loaders, text, widgets
from fer.ui.dataset import class_pixels, dataset_sections, label_votes, sample_views

_ = text.translator()
st.markdown(_("What is in FER-2013, how even are its classes, and how clean are its splits?"))
try:
    data = loaders.data()
except FerError as error:
    data = None
    st.error(_.error(error))
widgets.notices(_)
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

    sample_views.show(_)

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
                dataset_sections.count_table(counts, _),
                "counts",
                _("Images of each emotion and split"),
                _,
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
    class_pixels.show(_)
    if details := widgets.opened(_("Table and download"), "pixel_details"):
        with details:
            widgets.table(
                class_pixels.pixel_table(_), "pixels", _("Pixel statistics of each emotion"), _
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
        dataset_sections.pair_table(_),
        "duplicates",
        _("Pairs of duplicates within and across splits"),
        _,
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
    label_votes.show(data, _)

    st.header(_("Images"), anchor="images")
    if data is None:
        dataset_sections.offer_import(_)
    else:
        dataset_sections.browse(data, _)
except FerError as error:
    st.error(_.error(error))
widgets.sources(_, None if data is None else data.digest)
