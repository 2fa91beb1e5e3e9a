"""Module 1: what FER-2013 contains."""

import streamlit as st

from fer import FerError
from fer.ui.dataset import browse, import_offer, label_votes, pixels, splits
from fer.ui.shared import loaders, widgets
from fer.ui.shared.text import _

st.markdown(_("What is in FER-2013, how even are its classes, and how clean are its splits?"))
try:
    data = loaders.data()
except FerError as error:
    data = None
    st.error(_.error(error))
widgets.notices()
try:
    splits.draw_metrics(data)

    st.header(_("Sample faces"), anchor="sample")
    browse.draw_sample()

    st.header(_("Splits and classes"), anchor="distribution")
    splits.draw_distribution(data)

    st.header(_("Mean faces and pixels"), anchor="faces")
    st.write(
        _(
            "The average of all Training faces of a class: a smile survives averaging, fear and "
            "sadness hardly differ."
        )
    )
    pixels.draw_class_faces()
    pixels.draw_class_histogram()

    st.header(_("Duplicates and leakage"), anchor="duplicates")
    splits.draw_duplicates()

    st.header(_("Labels and people"), anchor="labels")
    label_votes.draw_label_votes(data)

    st.header(_("Images"), anchor="images")
    if data is None:
        import_offer.draw_import()
    else:
        browse.draw_images(data)
except FerError as error:
    st.error(_.error(error))
widgets.sources(None if data is None else data.digest)
