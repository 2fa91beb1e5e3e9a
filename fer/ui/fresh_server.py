"""Pages that are opened by their address before `Home.py` ever ran on this server.

Streamlit then runs them as it did before `st.navigation`, without `Home.py`, hence without language
and navigation. There is no public way to say otherwise: `PagesManager` is Streamlit's own, a test
holds what is used of it, and pyproject.toml bounds the version.
"""

from __future__ import annotations

from streamlit.runtime.pages_manager import PagesManager


def run_home_first() -> None:
    """From the next run on, `Home.py` runs first, whichever page is asked for."""
    PagesManager.uses_pages_directory = False
