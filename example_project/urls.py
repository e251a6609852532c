"""The login endpoints, the site's own API, its page, and the provider."""

from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.contrib.staticfiles.views import serve as serve_static
from django.urls import include, path
from django.views.static import serve
from drf_spectacular.views import SpectacularJSONAPIView
from oauth2_provider.urls import base_urlpatterns, oidc_urlpatterns

from example_project.site import views

# The OpenAPI document, for everybody.
schema = SpectacularJSONAPIView.as_view(authentication_classes=[], permission_classes=[])

urlpatterns = [
    path("auth/", include("social_endpoints.urls")),
    path("api/me/", views.MeView.as_view()),
    path("api/profile/<str:provider>/", views.ProviderProfileView.as_view()),
    path("api/schema/", schema),
    path("provider/login/", LoginView.as_view(), name="login"),
    # The patterns for managing clients are left out: every user could register a client.
    path("provider/", include((base_urlpatterns + oidc_urlpatterns, "oauth2_provider"))),
    # A real project serves static files with its web server or WhiteNoise.
    path("static/<path:path>", serve_static, {"insecure": True}),
    path("", views.page),
    path("login/callback/", views.page),
    path("popup/", views.popup_page),
    path("<path:path>", serve, {"document_root": views.PAGE}),
]

handler400 = views.bad_request
