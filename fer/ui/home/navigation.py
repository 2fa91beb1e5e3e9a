"""The five modules of the dashboard, and what stands at an address that is no page's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import streamlit as st

from fer.ui.shared.text import _

# Session state: the last part of the address at which this visit began.
ASKED = "page_asked"


@dataclass(frozen=True)
class Module:
    """A numbered page: its file, its name in the navigation, its title, the question it answers.

    help: what it offers, in the navigation's tooltip and to programs. parameters: what its address
    may have beside the language. has_own_title: it draws its title itself, beside a choice.
    """

    path: str
    icon: str
    name: str
    title: str
    question: str
    help: str
    parameters: tuple[str, ...] = ()
    has_own_title: bool = False


def missing_page(known: Collection[str], home: st.Page) -> list[st.Page]:
    """Return a page that no menu shows, for the address at which this visit began, if that is none
    of the known ones; Streamlit's own box is in English."""
    if ASKED not in st.session_state:
        path = urlsplit(st.context.url or "").path
        st.session_state[ASKED] = unquote(path.rstrip("/").rpartition("/")[2]).strip()
    name = st.session_state[ASKED]
    if name in known or "/" in name:
        return []

    def draw() -> None:
        st.write(_("There is no page at this address; the menu has all that there are."))
        st.page_link(home, label=_("Home"), icon=":material/home:")

    return [st.Page(draw, title=_("Page not found"), url_path=name, visibility="hidden")]


def modules() -> list[Module]:
    """Return the modules in the order of their numbers."""
    return [
        Module(
            "pages/1_Dataset.py",
            ":material/grid_view:",
            f"1. {_('Dataset')}",
            _("Dataset"),
            _("What is in FER-2013, how even are its classes, and how clean are its splits?"),
            _("What FER-2013 contains: counts, faces, pixels, duplicates."),
            ("browse_split", "browse_page"),
        ),
        Module(
            "pages/2_Preprocessing.py",
            ":material/tune:",
            f"2. {_('Preprocessing')}",
            _("Preprocessing"),
            _("What does a network see of a photo, and how is it varied in training?"),
            _(
                "Every stage from a photo to the network's input; what turns an answer; "
                "every layer."
            ),
            ("view",),
        ),
        Module(
            "pages/3_Classification_Results.py",
            ":material/compare_arrows:",
            f"3. {_('Results')}",
            _("Classification results"),
            _("Which scenario reads faces better, by how much, and on which expressions?"),
            _("Both scenarios compared: parameters, metrics, confusion matrices, calibration."),
            ("split", "view"),
            has_own_title=True,
        ),
        Module(
            "pages/4_Training.py",
            ":material/show_chart:",
            f"4. {_('Training')}",
            _("Training"),
            _("How did the models learn, do they overfit, and would longer training help?"),
            _("Learning curves, overfitting and generalisation; start a short training."),
        ),
        Module(
            "pages/5_Realtime_Demo.py",
            ":material/videocam:",
            f"5. {_('Demo')}",
            _("Demo"),
            _("What do both models see in your face, live or in photos, and do they agree?"),
            _("Both models side by side on your webcam or your own photos."),
            ("mode", "view", "game", "way"),
            has_own_title=True,
        ),
    ]
