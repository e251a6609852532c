"""URLs of a project with Django's admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from tests.support.urlconf import ENDPOINTS

urlpatterns = [ENDPOINTS, path("admin/", admin.site.urls)]
