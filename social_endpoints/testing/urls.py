"""The URLs of the fake provider, for a project with ``DEBUG``, below any path."""

from __future__ import annotations

from django.urls import path, re_path

from social_endpoints.internal.network.fake_providers import AUTHORIZE, FORWARDED, LOGOUT
from social_endpoints.testing import views

_ENDPOINTS = "token|userinfo|jwks|revoke|introspect|par|.well-known/openid-configuration"

urlpatterns = [
    path("", views.StartPage.as_view(), name=views.START),
    re_path(r"^(?P<name>style\.css|submit\.js|icon\.svg)$", views.PageFile.as_view()),
    path(AUTHORIZE, views.AuthorizationPage.as_view()),
    path(LOGOUT, views.SignOutPage.as_view()),
    re_path(rf"^(?P<endpoint>{_ENDPOINTS.replace('.', '[.]')})$", views.Endpoint.as_view()),
    path(f"<str:provider>/{AUTHORIZE}", views.AuthorizationPage.as_view()),
    path(f"<str:provider>/{LOGOUT}", views.SignOutPage.as_view()),
    path(f"<str:provider>/{FORWARDED}/<str:scheme>/<path:rest>", views.ForwardedRequest.as_view()),
    re_path("", views.UnknownPage.as_view()),
]
