"""The app's secrets, `.streamlit/secrets.toml`, as its operator wrote them."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from fer import FerError


def read(name: str) -> object:
    """Return the value of that name; None where there is none, or no secrets.

    Raises:
        FerError: if the file is no TOML, so that nothing in it counts.
    """
    try:
        secrets: Mapping[str, object] = st.secrets
        return secrets.get(name)
    except StreamlitSecretNotFoundError as error:
        if error.__cause__ is None:
            return None
        raise FerError(
            "The app's secrets (.streamlit/secrets.toml) cannot be read, and nothing in them "
            "counts: {reason}. Correct the file.",
            reason=error.__cause__,
        ) from error
