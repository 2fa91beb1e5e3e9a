"""Entry point: the server (`app`) and, in every run of a page, language, navigation and title.

`streamlit run Home.py` finds `app` and serves it, as `uvicorn Home:app` does; the same file is then
run as a script for every visitor.
"""

from pathlib import Path

import streamlit as st

from fer import FerError
from fer.media.live import socket as live_socket
from fer.ui.app import server
from fer.ui.home import navigation, places
from fer.ui.shared import address, presentation, text
from fer.ui.shared.text import _
from fer.ui.uploads import shown_uploads, visits
from fer.ui.uploads.upload_limits import intake

app = st.App(
    __file__,
    routes=server.ROUTES,
    middleware=server.MIDDLEWARE,
    lifespan=live_socket.lifespan,
    on_script_error=server.tell_crash,
)
if __name__ != "__main__":
    server.declare_navigation()

if __name__ == "__main__":
    visits.forget_when_over(intake.forget_visit)
    shown_uploads.begin_run()
    icon = Path(__file__).parent / "fer" / "ui" / "icon.png"
    st.set_page_config(
        page_title="FER-2013",
        page_icon=icon,
        layout="wide",
        initial_sidebar_state=presentation.sidebar(),
    )
    with st.sidebar:
        text.language_control()

    def home() -> None:
        """The first page; imported when it is shown."""
        from fer.ui.home import front

        front.draw_home(laid_out)

    five = navigation.modules()
    first = st.Page(
        home,
        title=_("Home"),
        icon=":material/home:",
        default=True,
        url_path="",
        help=_("What is compared, with the models' accuracy; try a photo."),
    )
    numbered = [st.Page(m.path, title=m.name, icon=m.icon, help=m.help) for m in five]
    by_path = {entry.url_path: module for entry, module in zip(numbered, five, strict=True)}
    missing = navigation.missing_page({"", *by_path}, first)
    # Beside the pages' names the system's own would be cut off.
    page = st.navigation({"FER-2013": [first, *numbered, *missing]}, expanded=True)
    module = by_path.get(page.url_path)
    address.keep(("lang", *(() if module is None else module.parameters)))
    if page in missing:
        title = page.title
    else:
        title = _("Facial Expression Analysis System") if module is None else module.title
    # Of the browser's tab, too: several of them stand beside each other.
    st.set_page_config(page_title=f"{title} · FER-2013")
    if not presentation.is_on() and (module is None or not module.has_own_title):
        # In a row a title has no margins, which a phone has no room for.
        with st.container(horizontal=True):
            st.title(title)
    messages = st.container()
    if page.url_path == "":
        laid_out = places.lay_out()
    # Drawn before the imports below, which take most of a second in a fresh server.
    from fer.ui.app import document, preloading
    from fer.ui.shared import widgets

    preloading.freeze_imports()
    widgets.begin_sources()
    with st.sidebar:
        document.tell()
    with messages:
        widgets.show_callback_error()
    try:
        # Networks are compiled while the page imports what it needs.
        preloading.preload()
    except FerError as error:
        messages.error(_.error(error))
    page.run()
    shown_uploads.end_run()
