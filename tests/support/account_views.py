"""A project that sets attributes of the views for signed-in users."""

from __future__ import annotations

from typing import Any

from django.urls import path
from django.utils.module_loading import import_string
from rest_framework.pagination import PageNumberPagination

from social_endpoints.views import (
    ConnectionDetailView,
    ConnectionListView,
    ProviderConnectTokenView,
    ProviderConnectView,
)
from tests.support.urlconf import ENDPOINTS, urlconf


class Pages(PageNumberPagination):
    page_size = 10


def route_account_views(
    settings: Any, *, authentication: str | None = None, pagination: Any = None
) -> None:
    """Route these views with other classes, in front of our own URLs.

    DRF binds its settings to the attributes of a view when the view's module is imported, so
    a test cannot override them.

    :param settings: pytest-django's fixture, which restores the URLs after the test.
    :param authentication: dotted path of the authentication class, if it is another.
    :param pagination: the pagination class of the list.
    """
    attributes = {}
    if authentication is not None:
        attributes["authentication_classes"] = [import_string(authentication)]
    connections = ConnectionListView.as_view(pagination_class=pagination, **attributes)
    settings.ROOT_URLCONF = urlconf(
        path("auth/o/<provider>/connect/", ProviderConnectView.as_view(**attributes)),
        path("auth/o/<provider>/connect/token/", ProviderConnectTokenView.as_view(**attributes)),
        path("auth/connections/", connections),
        path("auth/connections/<id>/", ConnectionDetailView.as_view(**attributes)),
        ENDPOINTS,
    )
