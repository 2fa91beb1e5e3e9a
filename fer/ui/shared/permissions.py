"""The app's secrets, and acts that its operator may allow: train and import a data set.

Both acts change what every other visitor sees and take the server's processor, network and disk.
The operator decides; where nobody did, whoever sits at the server's own machine may, nobody else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, get_args
from urllib.parse import urlsplit

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from fer import FerError
from fer.ui.shared.text import _

Act = Literal["train", "import"]
ACTS: frozenset[Act] = frozenset(get_args(Act))
# "train", "import", both with a comma between them, or "nothing"; before the secret of that name.
VARIABLE = "FER_VISITORS_MAY"
SECRET = "visitors_may"
LOCAL = {"localhost", "127.0.0.1", "::1"}
LOOPBACK = (None, "127.0.0.1", "::1")
# What reverse proxies add: behind one, every visitor seems to come from the server itself.
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def secret(name: str) -> object:
    """Return the value of that name in `.streamlit/secrets.toml`, None where there is none.

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


def is_local(url: str) -> bool:
    """Return whether the page is served by this very machine."""
    return urlsplit(url).hostname in LOCAL


def allowed(wish: str | None, is_own_machine: bool) -> frozenset[Act]:
    """Return what a visitor may do.

    Args:
        wish: the operator's setting, None for none.
        is_own_machine: whether the visitor's browser runs on the server's machine.

    Raises:
        FerError: if the setting names an unknown act.
    """
    if wish is None:
        return ACTS if is_own_machine else frozenset()
    named = {name.strip() for name in wish.split(",")}
    if named == {"nothing"}:
        return frozenset()
    if not named <= ACTS:
        raise FerError(
            "{variable} is {wish}; set it to train, import, train,import or the word nothing.",
            variable=VARIABLE,
            wish=f"{wish!r}",
        )
    return ACTS & named


def is_own_machine(url: str, address: str | None, headers: Mapping[str, str]) -> bool:
    """Return whether a visitor's browser runs on the server's machine with no proxy between them.

    Args:
        url: the page's address, as the browser says it.
        address: where the connection comes from; None is this machine.
        headers: of the connection, names in any case.
    """
    names = {name.lower() for name in headers}
    return is_local(url) and address in LOOPBACK and not names.intersection(FORWARDED)


def is_visitor_here() -> bool:
    """Return whether this visitor sits at the server's own machine."""
    context = st.context
    return is_own_machine(context.url or "", context.ip_address, dict(context.headers))


def may(act: Act) -> bool:
    """Return whether this visitor may do that; no where the setting cannot be understood."""
    try:
        return act in allowed(_wish(), is_visitor_here())
    except FerError:
        # `validate_setting` says so on every page.
        return False


def validate_setting() -> None:
    """Raise FerError if the operator's setting names an unknown act."""
    allowed(_wish(), is_own_machine=False)


def refusal(act: Act) -> str:
    """Return the sentence that stands where a button would be."""
    if act == "train":
        return _(
            "Visitors may not start trainings on this server. Whoever runs it can allow it: see "
            "the README."
        )
    return _(
        "Visitors may not import a data set on this server. Whoever runs it can allow it: see the "
        "README."
    )


def _wish() -> str | None:
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    wish = secret(SECRET)
    return None if wish is None else str(wish)
