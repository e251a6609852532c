"""The endpoints to sign in, the site's own API, and the page."""

from __future__ import annotations

from django.urls import include, path
from django.views.static import serve

from example_project import PAGE
from example_project.site import views

urlpatterns = [
    path("auth/", include("social_endpoints.urls")),
    path("api/me/", views.MeView.as_view()),
    path("api/sign-out/", views.SignOutView.as_view()),
    path("config.json", views.page_config),
    path("", views.page),
    path("login/callback/", views.page),
    path("<path:path>", serve, {"document_root": PAGE}),
]
