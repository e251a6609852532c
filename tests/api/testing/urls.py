"""Projects that mount the endpoints elsewhere: in a namespace, with a version, a language."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path, re_path


class Project:
    """A module with URL patterns."""

    def __init__(self, *patterns: object) -> None:
        self.urlpatterns = list(patterns)


ENDPOINTS = "social_endpoints.urls"

MOUNTS = {
    "elsewhere": Project(path("api/social/", include(ENDPOINTS))),
    "namespace": Project(path("api/", include((ENDPOINTS, "accounts")))),
    "version": Project(path("api/<str:version>/", include(ENDPOINTS))),
    "version in a regular expression": Project(
        re_path("^api/(?P<version>v[0-9])/", include(ENDPOINTS))
    ),
    "language": Project(*i18n_patterns(path("auth/", include(ENDPOINTS)))),
}
