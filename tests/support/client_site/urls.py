"""The example's URLs, the test page, and static files as ``runserver`` serves them."""

from __future__ import annotations

from pathlib import Path

from django.contrib.staticfiles.views import serve as serve_static
from django.http import HttpRequest, HttpResponseBase
from django.urls import include, path
from django.views.static import serve


def page(request: HttpRequest) -> HttpResponseBase:
    response = serve(request, "page.html", document_root=str(Path(__file__).parent))
    response["Cache-Control"] = "no-cache"  # Each test chooses the headers of the next response.
    return response


urlpatterns = [
    path("client/", page),
    path("client/callback/", page),
    path("client/elsewhere/", page),
    path("static/<path:path>", serve_static, {"insecure": True}),
    path("", include("example_project.urls")),
]
