"""The example's URLs, and the test page."""

from __future__ import annotations

from pathlib import Path

from django.http import HttpRequest, HttpResponseBase
from django.urls import include, path
from django.views.static import serve


def page(request: HttpRequest) -> HttpResponseBase:
    response = serve(request, "page.html", document_root=str(Path(__file__).parent))
    # Each test chooses the headers of the next response. A browser keeps those of an earlier
    # response if the page has not been modified.
    response["Cache-Control"] = "no-cache"
    del response["Last-Modified"]
    return response


urlpatterns = [
    path("client/", page),
    path("client/callback/", page),
    path("client/elsewhere/", page),
    path("", include("example_project.urls")),
]
