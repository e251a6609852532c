"""The mixin for test cases."""

from __future__ import annotations

import pickle

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import SynchronousOnlyOperation
from django.test import AsyncClient, Client, SimpleTestCase, TestCase
from rest_framework.test import APITestCase

from social_endpoints.internal.network import substitutes
from social_endpoints.testing import SocialLoginError, SocialLoginMixin


class SocialLoginMixinTest(SocialLoginMixin, TestCase):
    def test_client_is_signed_in(self) -> None:
        client = self.social_login(self.client, "oidc", email="grace@example.com")

        self.assertIs(client, self.client)  # noqa: PT009 - as in a project without pytest
        assert client.get("/auth/connections/").status_code == 200
        assert get_user_model().objects.get().email == "grace@example.com"

    def test_login_step_by_step(self) -> None:
        self.social_provider("oidc").fail("userinfo", 500, times=1)
        failed = self.social_complete(self.client, self.social_begin(self.client, "oidc"))
        completed = self.social_complete(self.client, self.social_begin(self.client, "oidc"))

        assert (failed.status_code, completed.status_code) == (400, 201)

    async def test_call_in_event_loop_is_reported(self) -> None:
        with pytest.raises(SynchronousOnlyOperation, match="sync_to_async"):
            self.social_login(AsyncClient(), "oidc")

    def test_error_reaches_another_process(self) -> None:
        self.social_provider("oidc").fail("token", 503)
        with pytest.raises(SocialLoginError) as raised:
            self.social_login(self.client, "oidc")

        copy = pickle.loads(pickle.dumps(raised.value))
        assert (type(copy), str(copy)) == (SocialLoginError, str(raised.value))

    def tearDown(self) -> None:
        assert substitutes.find("oidc") is not None

    @classmethod
    def tearDownClass(cls) -> None:
        assert substitutes.find("oidc") is None
        super().tearDownClass()


class OwnRedirectUriTest(SocialLoginMixin, APITestCase):
    social_redirect_uri = "https://app.example.com/login/callback"

    def test_redirect_uri_is_sent(self) -> None:
        begun = self.social_begin(Client(), "oidc")

        assert begun.params["redirect_uri"] == self.social_redirect_uri


class WithoutDatabaseTest(SocialLoginMixin, SimpleTestCase):
    def test_missing_database_is_reported(self) -> None:
        with pytest.raises(AssertionError, match="not allowed in SimpleTestCase"):
            self.social_login(Client(), "oidc")
