"""URL configuration of the test project."""

from __future__ import annotations

from tests.support.urlconf import ENDPOINTS

urlpatterns = [ENDPOINTS]
