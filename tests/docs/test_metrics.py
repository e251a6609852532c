"""The recipe for Prometheus counts and measures real logins."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import path
from social_core.backends.utils import load_backends

from social_endpoints import signals, urls
from tests.support.accounts import disconnect, logged_in
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, browser
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.pages import DOCS, ROOT, code_blocks, run_block
from tests.support.pipeline import LAST, pipeline_with
from tests.support.urlconf import ENDPOINTS, urlconf

pytestmark = [pytest.mark.django_db, pytest.mark.needs("prometheus_client")]

Change = Callable[[], Counter[str]]
PAGE = DOCS / "operations/metrics.rst"


@pytest.fixture
def recipe(settings: Any) -> Iterator[Any]:
    """Install the recipe as the page describes it."""
    recipe = import_module("docs.recipes.prometheus")
    # The recipe reads a list that social-core caches, maybe with the settings of another test.
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    receivers = (
        (recipe.count_login, signals.signed_in),
        (recipe.count_connection, signals.connected),
        (recipe.count_disconnection, signals.disconnected),
        (recipe.count_logout, signals.logged_out_by_provider),
        (recipe.show_availability, signals.provider_availability_changed),
    )
    for receiver, signal in receivers:
        signal.connect(receiver)
    settings.MIDDLEWARE = ["docs.recipes.prometheus.MetricsMiddleware", *settings.MIDDLEWARE]
    settings.ROOT_URLCONF = urlconf(path("metrics", recipe.metrics), ENDPOINTS)
    handler, logger = recipe.ProviderTimeHandler(), logging.getLogger("social_endpoints")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel("INFO")
    yield recipe
    logger.setLevel(level)
    logger.removeHandler(handler)
    for receiver, signal in receivers:
        assert signal.disconnect(receiver)


def samples() -> Counter[str]:
    """Return the metrics as Prometheus reads them: the value for each name with its labels."""
    text = browser().get("/metrics").content.decode()
    lines = re.findall(r"^(social_\S+?(?:\{.*\})?) (\S+)$", text, re.MULTILINE)
    return Counter({name: float(value) for name, value in lines if "_created" not in name})


@pytest.fixture
def change(recipe: Any) -> Change:
    """Return a function that returns what has changed since the beginning of the test."""
    before = samples()
    return lambda: samples() - before


def requests_total(method: str, status: int, code: str = "", provider: str = "oidc") -> str:
    labels = {
        "code": code,
        "endpoint": "provider-auth",
        "method": method,
        "provider": provider,
        "status": status,
    }
    text = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"social_requests_total{{{text}}}"


def events(change: Counter[str]) -> dict[str, float]:
    found = {name: re.match(r'social_events_total\{event="(\w+)"', name) for name in change}
    return {match[1]: change[name] for name, match in found.items() if match}


def test_logins_are_counted_by_their_outcome(openid: OpenIDProvider, change: Change) -> None:
    frontend = Frontend()
    frontend.log_in(openid)
    frontend.log_in(openid)
    begun, callback = frontend.authorize(openid)
    frontend.complete(begun, {"error": "access_denied", "state": callback["state"]})
    browser().get("/auth/o/oidc/", secure=True)

    counted = change()
    assert counted[requests_total("GET", 200)] == 3
    assert counted[requests_total("POST", 201)] == 2
    assert counted[requests_total("POST", 400, "authorization_declined")] == 1
    assert counted[requests_total("GET", 400, "redirect_uri_missing")] == 1
    labels = '{endpoint="provider-auth",method="POST",provider="oidc"}'
    assert counted[f"social_request_seconds_count{labels}"] == 3


def test_prometheus_reaches_the_view_without_https(recipe: Any, settings: Any) -> None:
    security = "django.middleware.security.SecurityMiddleware"
    settings.MIDDLEWARE = [security, *settings.MIDDLEWARE]
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["api.example.com"]
    assert Client(headers={"host": "localhost"}).get("/metrics").status_code == 400

    for name, value in run_block("operations/metrics.rst", "SECURE_REDIRECT_EXEMPT").items():
        if name.isupper():
            setattr(settings, name, value)
    client = Client(headers={"host": "localhost"})

    assert client.get("/metrics").status_code == 200
    assert client.get("/auth/o/").status_code == 301


def test_provider_that_a_client_invents_adds_no_series(change: Change) -> None:
    for name in ("nobody", "somebody"):
        browser().get(f"/auth/o/{name}/", {"redirect_uri": REDIRECT_URI}, secure=True)
    browser().generic("BREW", "/auth/o/oidc/", secure=True)

    counted = change()
    assert counted[requests_total("GET", 404, "provider_not_supported", "")] == 2
    assert counted[requests_total("", 405, "method_not_allowed")] == 1
    assert "body" not in " ".join(counted)


def test_all_endpoints_are_measured(recipe: Any) -> None:
    assert {str(pattern.name) for pattern in urls.urlpatterns} == recipe.ENDPOINTS


def test_other_views_are_not_measured(change: Change) -> None:
    browser().get("/metrics")
    browser().get("/nothing/")

    assert change() == Counter()


def test_time_of_the_provider_is_measured(openid: OpenIDProvider, change: Change) -> None:
    openid.before_userinfo = lambda: time.sleep(0.06)

    Frontend().log_in(openid)

    counted = change()
    assert counted['social_provider_seconds_count{provider="oidc"}'] == 1
    assert 0.06 <= counted['social_provider_seconds_sum{provider="oidc"}'] < 5


def test_client_cannot_write_a_time_of_the_provider(change: Change) -> None:
    uri = "https://evil.example/ provider_ms=9999 provider=oidc"

    browser().get("/auth/o/oidc/", {"redirect_uri": uri}, secure=True)

    assert [name for name in change() if "provider_seconds" in name] == []


def fail(**kwargs: Any) -> None:
    raise KeyError("plan")


def test_events_are_counted_after_the_commit(
    openid: OpenIDProvider,
    change: Change,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        Frontend().log_in(openid)
        Frontend().log_in(openid)
    assert events(change()) == {"signed_in": 2, "new_account": 1}

    user = get_user_model().objects.get()
    user.set_password("secret")
    user.save()
    with django_capture_on_commit_callbacks(execute=True):
        assert disconnect(logged_in(user), user.social_auth.get()).status_code == 204
        connect = Frontend(client=logged_in(user), below="connect/")
        assert connect.log_in(openid).status_code == 201
    assert events(change()).items() >= {"connected": 1, "disconnected": 1}.items()

    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, "tests.docs.test_metrics.fail"))
    with django_capture_on_commit_callbacks(execute=True):
        assert Frontend().log_in(openid).status_code == 500
    assert events(change())["signed_in"] == 2


def test_provider_that_does_not_respond_is_shown(
    openid: OpenIDProvider, recipe: Any, configure: Configure
) -> None:
    configure(PROVIDER_TIMEOUTS=1)
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)
    openid.wire.replace("POST", f"{ISSUER}/token", body=requests.ConnectTimeout())

    frontend.complete(begun, callback)

    text = browser().get("/metrics").content.decode()
    assert 'social_provider_available{host="id.example.com",provider="oidc"} 0.0' in text


def test_processes_of_a_server_share_their_metrics(tmp_path: Path) -> None:
    """As with gunicorn: each process writes a file, and any process returns the sum."""
    program = """
import django, os, sys
django.setup()
from django.conf import settings
from django.test import Client, RequestFactory
settings.MIDDLEWARE = ["docs.recipes.prometheus.MetricsMiddleware"]
from docs.recipes import prometheus
children = [os.fork() for _ in range(1)]
Client().get("/auth/o/oidc/")
if 0 in children:
    prometheus.AVAILABLE.labels("oidc", "id.example.com").set(0)
    os._exit(0)
os.waitpid(children[0], 0)
sys.stdout.write(prometheus.metrics(RequestFactory().get("/")).content.decode())
"""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
    }

    found = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert f"{requests_total('GET', 400, 'redirect_uri_missing')} 2.0" in found
    assert 'social_provider_available{host="id.example.com",provider="oidc"} 0.0' in found


@pytest.mark.needs("yaml")
def test_alert_rules_have_existing_metrics_and_labels(
    openid: OpenIDProvider, change: Change, django_capture_on_commit_callbacks: Any
) -> None:
    (block,) = code_blocks(PAGE, "yaml")
    rules = import_module("yaml").safe_load(block)["groups"][0]["rules"]
    with django_capture_on_commit_callbacks(execute=True):
        Frontend().log_in(openid)
    series = [re.match(r"(\w+)\{(.*)\}", name) for name in samples()]
    labels = {each[1]: {*re.findall(r"(\w+)=", each[2])} for each in series if each}

    assert len(rules) > 3
    for rule in rules:
        used = re.findall(r"(social_[a-z_]+)(?:\{(.*?)\})?", rule["expr"])
        assert used
        for metric, matchers in used:
            assert {*re.findall(r'(\w+)(?:=~|!~|!=|=)"', matchers)} <= labels[metric]
        assert rule["annotations"]["summary"]
