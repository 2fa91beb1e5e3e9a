"""Module 5: both models on your own face, live or in photos."""

import streamlit as st

from fer import FerError
from fer.ui.demo import photos
from fer.ui.shared import address, loaders, presentation, widgets
from fer.ui.shared.text import _

if not loaders.models():
    st.title(_("Demo"))
    st.warning(_("No model is installed here: see the README."))
    widgets.problems()
    st.stop()

modes = {
    "webcam": _("Webcam"),
    "photo": _("Photo"),
    "batch": _("Many photos"),
    "video": _("Video"),
    "play": _("Play"),
    "teach": _("Teach"),
}
row, stage = presentation.places()
with row:
    if not presentation.is_on():
        st.title(
            _("Demo"),
            width="content",
            help=_("What do both models see in your face, live or in photos, and do they agree?"),
        )
    mode = address.choice(_("Mode"), modes, "mode")
    presentation.draw_switch()
address.keep(
    ("lang", "mode")
    + (("way",) if mode in ("webcam", "teach") else ())
    + (("game",) if mode == "play" else ())
    + ((presentation.PARAMETER,) if presentation.is_on() else ())
)
try:
    with stage:
        if mode == "webcam":
            # Imported here and below: what brings video takes half a second that photos need not
            # wait.
            from fer.ui.demo import webcam

            webcam.draw_webcam()
        elif mode == "video":
            from fer.ui.demo import videos

            videos.draw_video(row)
        elif mode == "play":
            from fer.ui.demo import play

            play.draw_game()
        elif mode == "teach":
            from fer.ui.demo import teach

            teach.draw_lesson()
        elif mode == "photo":
            photos.draw_photo(row)
        else:
            photos.draw_photos()
except FerError as error:
    st.error(_.error(error))
if not presentation.is_on():
    widgets.sources()
