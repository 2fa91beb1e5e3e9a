"""Entry point: language, navigation, the page's title."""

from pathlib import Path

import streamlit as st

from fer import FerError
from fer.ui import text

icon = Path(__file__).parent / "fer" / "ui" / "icon.png"
st.set_page_config(page_title="FER-2013", page_icon=icon, layout="wide")
with st.container(horizontal=True, horizontal_alignment="right"):
    _ = text.language_control()


def home() -> None:
    """The first page; imported when it is shown."""
    from fer.ui import front

    front.show(_)


pages = [
    st.Page(
        home,
        title=_("Home"),
        icon=":material/home:",
        default=True,
        help=_("What is compared, with the models' accuracy; try a photo."),
    ),
    st.Page(
        "pages/1_Dataset.py",
        title=_("Dataset"),
        icon=":material/grid_view:",
        help=_("What FER-2013 contains: counts, faces, pixels, duplicates."),
    ),
    st.Page(
        "pages/2_Preprocessing.py",
        title=_("Preprocessing"),
        icon=":material/tune:",
        help=_("Every stage from a photo to the network's input, and augmentation."),
    ),
    st.Page(
        "pages/3_Classification_Results.py",
        title=_("Results"),
        icon=":material/compare_arrows:",
        help=_("Both scenarios compared: parameters, metrics, confusion, calibration."),
    ),
    st.Page(
        "pages/4_Training.py",
        title=_("Training"),
        icon=":material/show_chart:",
        help=_("Learning curves, overfitting and generalisation; start a short training."),
    ),
    st.Page(
        "pages/5_Realtime_Demo.py",
        title=_("Demo"),
        icon=":material/videocam:",
        help=_("Both models side by side on your webcam or your own photos."),
    ),
]
page = st.navigation(pages, position="top")
# Nav labels are short; two pages have more to say.
titles = {"": _("Two ways to read a face"), "Classification_Results": _("Classification results")}
st.title(titles.get(page.url_path, page.title))
# Drawn before the imports below, which take most of a second in a fresh server.
from fer.ui import loaders  # noqa: E402

loaders.settle()
page.run()
try:
    loaders.preload()
except FerError as error:
    st.error(_.error(error))
