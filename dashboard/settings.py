"""Streamlit's settings. Under uvicorn it reads no environment variables, so all that matters is said here."""

from __future__ import annotations

from typing import Any

from dashboard.guard import UPLOAD_LIMIT
from dashboard.theme import STREAMLIT_OPTIONS


def streamlit_options(host: str, port: int, root: str = "") -> dict[str, Any]:
    """Options for ``streamlit.web.bootstrap.load_config_options``."""
    return {
        **STREAMLIT_OPTIONS,
        "server.address": host,  # or it asks a service outside for the public address
        "server.port": port,
        "server.baseUrlPath": root,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.enableStaticServing": False,
        "server.maxUploadSize": UPLOAD_LIMIT >> 20,  # MiB
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "viewer",
        "client.allowedOrigins": [],
        "logger.hideWelcomeMessage": True,
        "runner.magicEnabled": False,
    }
