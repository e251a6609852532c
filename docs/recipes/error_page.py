"""The error page of the handoff."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string

from social_endpoints.views import ProviderCallbackView


class CallbackView(ProviderCallbackView):
    """Show the project's own page."""

    def get_error_page(self, exc: Any) -> str:
        return render_to_string("sign_in_failed.html", {"error_id": exc.error_id})
