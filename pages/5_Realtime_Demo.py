"""Module 5: both models on your own face, live or in photos."""

import streamlit as st

from fer import FerError
from fer.ui import address, answers, image_sources, loaders, presentation, text, widgets
from fer.ui.demo import many_photos

_ = text.translator()
if not presentation.is_on():
    st.markdown(_("What do both models see in your face, live or in photos, and do they agree?"))
if not loaders.models():
    st.warning(_("No model is installed here. Run `fer train` and `fer publish`."))
    widgets.problems(_)
    st.stop()

modes = {
    "webcam": _("Webcam"),
    "photo": _("Photo"),
    "batch": _("Many photos"),
    "video": _("Video"),
    "play": _("Play"),
}
mode = address.choice(_("Mode"), modes, "mode")
address.keep(
    ("lang", "mode")
    + (("way",) if mode == "webcam" else ())
    + (("game",) if mode == "play" else ())
    + ((presentation.PARAMETER,) if presentation.is_on() else ())
)
try:
    if mode == "webcam":
        # Imported here and below: what brings video takes half a second that photos need not wait.
        from fer.ui.demo import webcam

        webcam.show(_)
    elif mode == "video":
        from fer.ui.demo import videos

        videos.show(_)
    elif mode == "play":
        from fer.ui.demo import play

        play.show(_)
    elif mode == "photo":
        chosen = image_sources.choose("demo", _, default="upload")
        if chosen is not None:
            answers.photo(*chosen, "demo", _)
            image_sources.votes("demo", chosen[1], _)
    else:
        many_photos.show(_)
except FerError as error:
    st.error(_.error(error))
widgets.sources(_)
