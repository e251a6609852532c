"""The pytest plugin. It imports nothing of Django before a fixture is used.

It is not in the package ``testing``, because pytest imports its plugins in every project in whose
environment this package is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from social_endpoints.testing import FakeProviders
    from social_endpoints.testing.login import Begun, SocialLogin


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Mark the test run in the environment, as pytest itself does since version 8.2."""
    environment = pytest.MonkeyPatch()
    environment.setenv("PYTEST_VERSION", pytest.__version__)
    early_config.add_cleanup(environment.undo)


@pytest.fixture
def social_provider() -> Iterator[FakeProviders]:
    """Return the fake providers of the test. ``social_provider("github")`` is that of GitHub."""
    from social_endpoints.testing import FakeProviders

    with FakeProviders() as providers:
        yield providers


@pytest.fixture
def social_redirect_uri() -> str | None:
    """Return the redirect URI of logins. Override this fixture to use another one.

    None stands for the first entry of ``ALLOWED_REDIRECT_URIS``.
    """
    return None


@pytest.fixture
def _social_steps(social_provider: FakeProviders, social_redirect_uri: str | None) -> SocialLogin:
    from social_endpoints.testing.login import SocialLogin

    return SocialLogin(social_provider, social_redirect_uri)


@pytest.fixture
def social_login(_social_steps: SocialLogin) -> Callable[..., Any]:
    """Return ``social_login(client, provider, /, **claims)``, which signs a client in.

    It returns the client, which then has the attributes ``token`` and ``login_response``.
    """
    return _social_steps.login


@pytest.fixture
def social_begin(_social_steps: SocialLogin) -> Callable[..., Begun]:
    """Return ``social_begin(client, provider, /, **params)``, which begins a login or connect."""
    return _social_steps.begin


@pytest.fixture
def social_complete(_social_steps: SocialLogin) -> Callable[..., Any]:
    """Return ``social_complete(client, begun, /, **claims)``, which returns the response."""
    return _social_steps.complete
