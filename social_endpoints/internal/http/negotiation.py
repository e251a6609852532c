"""What an answer is written in."""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation


class JSONNegotiation(DefaultContentNegotiation):
    """JSON, whatever the client accepts and whatever ``format`` is among the parameters."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the first renderer."""
        return renderers[0], renderers[0].media_type
