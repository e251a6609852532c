"""The storage that reads from the primary database, where no endpoint leads to a branch."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from social_django.models import DjangoStorage, Nonce, UserSocialAuth

from social_endpoints.internal.flows.primary import PrimaryUsers
from social_endpoints.internal.flows.storage import LOGOUT_TOKENS, claim_logout_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def social() -> UserSocialAuth:
    user = get_user_model().objects.create_user("ada")
    extra_data = {"id": "7"}
    return UserSocialAuth.objects.create(user=user, provider="oidc", uid="1", extra_data=extra_data)


@pytest.mark.parametrize(("value", "is_found"), [("7", True), ("8", False), ("7" * 500, False)])
def test_connection_is_found_by_a_value_of_its_extra_data(
    value: str, is_found: bool, social: UserSocialAuth
) -> None:
    users = PrimaryUsers(UserSocialAuth)

    found = users.get_social_auths_by_extra_data("oidc", ["id", "sub"], value)

    assert found == ([social] if is_found else [])


def test_extra_data_of_a_deleted_row_is_not_changed(social: UserSocialAuth) -> None:
    UserSocialAuth.objects.all().delete()

    PrimaryUsers(UserSocialAuth).read_extra_data_again(social)

    assert social.extra_data == {"id": "7"}


def test_object_that_is_not_a_model_is_not_read_again() -> None:
    PrimaryUsers(UserSocialAuth).read_extra_data_again(object())


def test_claim_that_another_request_has_not_finished_is_refused() -> None:
    Nonce.objects.create(server_url=LOGOUT_TOKENS, timestamp=0, salt="digest")

    assert not claim_logout_token("digest", 2_000_000_000, DjangoStorage)
