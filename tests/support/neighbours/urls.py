"""URLs of the endpoints and of one page, which requires a login."""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse
from django.urls import path

from tests.support.urlconf import ENDPOINTS


def account(request: Any) -> JsonResponse:
    """Return the user of the session, and whether a second factor has verified it."""
    user: Any = request.user
    return JsonResponse({"user": user.get_username(), "verified": user.is_verified()})


urlpatterns = [ENDPOINTS, path("account/", account)]
