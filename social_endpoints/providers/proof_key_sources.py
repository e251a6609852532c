"""The providers whose own documentation says that they accept PKCE with S256."""

from __future__ import annotations

SOURCES: dict[str, str] = {}
"""Where the documentation says so, by the backend's name."""
