"""Module 2: what happens to a photo before a network sees it, and what the network makes of it."""

import streamlit as st

from fer import FerError
from fer.ui.faces import image_sources
from fer.ui.preprocessing import layer_maps, stages_view, what_if
from fer.ui.shared import address, widgets
from fer.ui.shared.text import _

st.markdown(_("What does a network see of a photo, and how is it varied in training?"))
VIEWS = {
    "stages": _("From photo to input"),
    "what_if": _("What if?"),
    "layers": _("Layer by layer"),
}
view = address.choice(_("View"), VIEWS, "view")
try:
    chosen = image_sources.choose("pre")
    if chosen is not None:
        content, name = chosen
        turns, face = image_sources.face(content, name, "pre")
        if face is None:
            st.caption(_("No face was found; the centre square is used, as for FER-2013's images."))
        stages = stages_view.recorded(content, name, turns, face)
        if view == "what_if":
            what_if.draw_what_if(stages_view.face_at("fer_resolution", stages))
        elif view == "layers":
            layer_maps.draw_layers(stages_view.face_at("fer_resolution", stages))
        else:
            stages_view.draw_stages(stages)
            stages_view.draw_augmentation(stages_view.face_at("grayscale", stages))
except FerError as error:
    st.error(_.error(error))
widgets.sources()
