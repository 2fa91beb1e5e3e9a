"""How the browser and the server find each other: ICE servers by where the page is served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict
from urllib.parse import urlsplit

from fer import FerError

LOCAL = {"localhost", "127.0.0.1", "::1"}
PUBLIC_STUN = "stun:stun.l.google.com:19302"


def is_local(url: str) -> bool:
    """Whether the page is served by this very machine."""
    return urlsplit(url).hostname in LOCAL


def is_secure(url: str) -> bool:
    """Whether browsers give the page a camera: over https, or from this very machine."""
    return is_local(url) or urlsplit(url).scheme == "https"


class Secrets(TypedDict, total=False):
    """`[ice]` of `.streamlit/secrets.toml`: servers in the browser's own form, or the account at a
    service that names some."""

    servers: list[Mapping[str, object]]
    twilio_sid: str
    twilio_token: str
    cloudflare_key: str
    cloudflare_token: str


def servers(url: str, secrets: Secrets) -> list[dict[str, object]]:
    """ICE servers for a page at that address, in the browser's own form.

    None on this very machine: gathering candidates from servers that cannot be reached takes up to
    45 s (streamlit-webrtc issue 1976). Elsewhere what the operator's secrets name, else a public
    STUN server, which a network with symmetric NAT, and Community Cloud, need TURN beside.

    Args:
        secrets: `[ice]` of `.streamlit/secrets.toml`: `servers`, a list of `urls`, `username`,
            `credential`; or `twilio_sid` and `twilio_token`; or `cloudflare_key` and
            `cloudflare_token`. Fetched credentials expire and are kept by streamlit-webrtc for as
            long as they last.

    Raises:
        FerError: if the named service gives no credentials.
    """
    if is_local(url):
        return []
    if "servers" in secrets:
        return [dict(server) for server in secrets["servers"]]
    try:
        if "twilio_sid" in secrets:
            from streamlit_webrtc import get_twilio_ice_servers

            return list(get_twilio_ice_servers(secrets["twilio_sid"], secrets["twilio_token"]))
        if "cloudflare_key" in secrets:
            from streamlit_webrtc import get_cloudflare_ice_servers

            return list(
                get_cloudflare_ice_servers(secrets["cloudflare_key"], secrets["cloudflare_token"])
            )
    except Exception as error:
        raise FerError(
            "The TURN service gives no credentials ({reason}); check [ice] in the app's secrets, "
            "or use a photo.",
            reason=error,
        ) from error
    return [{"urls": [PUBLIC_STUN]}]
