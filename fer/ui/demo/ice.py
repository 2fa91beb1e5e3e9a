"""ICE servers, by which browser and server find each other, by where the page is served."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import streamlit as st

from fer import FerError
from fer.ui.shared import permissions

logger = logging.getLogger(__name__)

PUBLIC_STUN = "stun:stun.l.google.com:19302"
SECRET = "ice"
# Services that hand out TURN servers: streamlit-webrtc's function that asks each, and the names of
# an account's secrets.
ACCOUNTS = {
    "get_twilio_ice_servers": ("twilio_sid", "twilio_token"),
    "get_cloudflare_ice_servers": ("cloudflare_key", "cloudflare_token"),
    "get_hf_ice_servers": ("hf_token",),
}
# How long what a service answered, be it nothing, is kept before it is asked again, in seconds.
KEPT_SECONDS = 60

Server = Mapping[str, object]


def is_secure(url: str) -> bool:
    """Return whether browsers give the page a camera: over https, or from this very machine."""
    return permissions.is_local(url) or urlsplit(url).scheme == "https"


def validate_setting() -> None:
    """Raise FerError unless `[ice]` of the app's secrets can be understood, if there is one."""
    parse(permissions.secret(SECRET))


def servers(url: str) -> list[Server]:
    """Return the ICE servers for a page at that address, in the browser's own form.

    None on this very machine: gathering candidates from servers that cannot be reached takes up to
    45 s (streamlit-webrtc issue 1976). Elsewhere what the operator's secrets name; a public STUN
    server where they name nothing or cannot be understood (every page says so), or where the
    service they name does not answer.
    """
    if permissions.is_local(url):
        return []
    try:
        configured = parse(permissions.secret(SECRET))
    except FerError:
        configured = []
    if isinstance(configured, tuple):
        configured = _fetched(configured)
    return configured or [{"urls": [PUBLIC_STUN]}]


def has_turn(servers: Sequence[Server]) -> bool:
    """Return whether a TURN server is among them, which strict networks need."""
    return any(url.startswith(("turn:", "turns:")) for server in servers for url in _urls(server))


def parse(secret: object) -> list[Server] | tuple[str, ...]:
    """Return the servers that the table `[ice]` lists, or a function of `ACCOUNTS` and its secrets.

    Raises:
        FerError: if it holds neither `servers`, a list of tables with `urls` and, for TURN,
            `username` and `credential`, nor the secrets of an account. None is none.
    """
    if secret is None:
        return []
    if not isinstance(secret, Mapping):
        raise FerError(
            "`ice` in the app's secrets is no table; write [ice] on a line of its own and below it "
            "what README shows."
        )
    known = {"servers", *(name for names in ACCOUNTS.values() for name in names)}
    if unknown := sorted(set(secret) - known):
        raise FerError(
            "[ice] in the app's secrets has {unknown}; it knows {known}.",
            unknown=unknown[0],
            known=", ".join(sorted(known)),
        )
    if "servers" in secret:
        return _listed(secret["servers"])
    for service, names in ACCOUNTS.items():
        if any(name in secret for name in names):
            for name in names:
                if not isinstance(secret.get(name), str) or not secret[name]:
                    raise FerError(
                        "[ice] in the app's secrets needs {name} as a text in quotes.", name=name
                    )
            return (service, *(str(secret[name]) for name in names))
    return []


def _listed(servers: object) -> list[Server]:
    if not isinstance(servers, list) or not all(isinstance(each, Mapping) for each in servers):
        raise FerError(
            "`servers` of [ice] in the app's secrets is no list of tables, each with urls, "
            "username and credential; write it as README shows."
        )
    for server in servers:
        if unknown := sorted(set(server) - {"urls", "username", "credential"}):
            raise FerError(
                "A server of [ice] in the app's secrets has {unknown}; it knows urls, username and "
                "credential.",
                unknown=unknown[0],
            )
        urls = _urls(server)
        if not urls or not all(url.startswith(("stun:", "turn:", "turns:")) for url in urls):
            raise FerError(
                "`urls` of a server of [ice] in the app's secrets must be addresses that begin "
                "with stun:, turn: or turns:."
            )
        login = [server.get(name) for name in ("username", "credential")]
        if has_turn([server]) and not all(isinstance(part, str) and part for part in login):
            raise FerError(
                "The TURN server {url} of [ice] in the app's secrets needs a username and a "
                "credential.",
                url=urls[0],
            )
    return [dict(server) for server in servers]


def _urls(server: Server) -> list[str]:
    urls = server.get("urls")
    listed = [urls] if isinstance(urls, str) else urls
    if not isinstance(listed, list) or not all(isinstance(url, str) for url in listed):
        return []
    return list(listed)


@st.cache_data(show_spinner=False, ttl=KEPT_SECONDS, max_entries=4)
def _fetched(account: tuple[str, ...]) -> list[Server]:
    """Return the servers that the account's service names, none where it does not answer; a failure
    is kept for a minute, too, or every visitor would wait for it."""
    # Read when a page needs it: it brings half a second of imports.
    import streamlit_webrtc

    service, *secrets = account
    try:
        return [dict(server) for server in getattr(streamlit_webrtc, service)(*secrets)]
    except Exception as error:
        # Whatever goes wrong there, the camera must not fail by it. No text: it may hold a secret.
        logger.warning("The TURN service gives no credentials (%s).", type(error).__name__)
        return []
