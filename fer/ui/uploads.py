"""Uploads that stay in memory: what the server takes in never becomes a file, not even for a while.

Streamlit's upload route reads the request with Starlette's parser, which by default moves whatever
is larger than a megabyte into a temporary file. `MultiPartParser` is Starlette's own; tests hold
what is used of it.
"""

from __future__ import annotations

from starlette.formparsers import MultiPartParser
from streamlit import config


def stay_in_memory() -> None:
    """From now on no upload that Streamlit accepts goes through a file."""
    # As Streamlit ends a request: a megabyte more than a file may have, for what is around it.
    MultiPartParser.spool_max_size = (int(config.get_option("server.maxUploadSize")) + 1) << 20
