"""``manage.py fake_provider`` as a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

from tests.support.configuration import Configure
from tests.support.fake_server import Person

ROOT = Path(__file__).parents[3]
REDIRECT_URI = "https://app.example.com/login/callback"
AUTHORIZE = f"/github/authorize?client_id=client-id&response_type=code&redirect_uri={REDIRECT_URI}"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "django", "fake_provider", *arguments]


def environment(**variables: str) -> dict[str, str]:
    names = {"PYTEST_VERSION", "PYTEST_CURRENT_TEST"}  # A project's process has no test run.
    inherited = {name: each for name, each in os.environ.items() if name not in names}
    settings = {"DJANGO_SETTINGS_MODULE": "tests.support.fake_project", "PYTHONUNBUFFERED": "1"}
    return {**inherited, **settings, **variables}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(log: Path, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(*arguments),
            cwd=ROOT,
            env=environment(**variables),
            stdout=output,
            stderr=subprocess.STDOUT,
            # A shell that started the tests in the background has switched Ctrl-C off.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads
        )
    try:
        deadline = time.monotonic() + 60
        while "Press Ctrl-C" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_in_vain(*arguments: str, **variables: str) -> str:
    """Run the command, which must exit with an explanation; return that."""
    result = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode in {1, 2}
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.split())


def test_command_serves_clients_of_settings_until_ctrl_c(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log.txt"
    issuer = f"http://localhost:{port}"
    with running(log, str(port), FAKE_PROJECT_ADDRESS=f"{issuer}/") as process:
        greeting = log.read_text()
        for line in (
            f"Its issuer is {issuer}\n",
            f'  Set SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = "{issuer}"\n',
            "github: GitHub\n  ready\n  client ID: client-id\n",
            f'  Set SOCIAL_ENDPOINTS["FAKE_PROVIDERS"]["discord"] = "{issuer}"\n',
            "SOCIAL_AUTH_GOOGLE_OAUTH2_KEY is not set",
            "OAuth 1.0a",
        ):
            assert line in greeting
        assert "client-secret" not in greeting

        for host in ("localhost", "127.0.0.1"):
            document = requests.get(
                f"http://{host}:{port}/.well-known/openid-configuration", timeout=10
            ).json()
            assert document["issuer"] == f"http://{host}:{port}"
        rebound = {"Host": "attacker.example.com"}
        for address in (issuer, f"{issuer}{AUTHORIZE}"):
            assert requests.get(address, headers=rebound, timeout=10).status_code == 400
        answer = Person().answer(f"{issuer}{AUTHORIZE}")
        assert answer.headers["Location"].startswith(f"{REDIRECT_URI}?code=")
        with socket.socket() as probe:  # The command does not listen on other addresses.
            probe.settimeout(2)
            assert probe.connect_ex(("127.0.0.2", port)) != 0

        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0  # It may have to save its coverage.
    assert "The fake provider has stopped." in log.read_text()
    assert "KeyboardInterrupt" not in log.read_text()


def test_command_explains_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other_program:
        port = other_program.getsockname()[1]
        explanation = run_in_vain(str(port))

    assert f"Port {port} of 127.0.0.1 is in use." in explanation
    assert f"manage.py fake_provider {port + 1}" in explanation


def test_command_listens_on_chosen_host_and_free_port(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with running(log, "0", "--host", "127.0.0.2", FAKE_PROJECT_EMPTY="1"):
        greeting = log.read_text()
        issuer = greeting.partition("Its issuer is ")[2].split()[0]
        assert issuer.startswith("http://127.0.0.2:")
        assert "AUTHENTICATION_BACKENDS contains no provider." in greeting
        named = {"Host": "name-of-this-machine"}
        assert requests.get(issuer, headers=named, timeout=10).status_code == 200


def test_command_explains_address_of_another_machine() -> None:
    assert "Port 0 of 192.0.2.1 cannot be used" in run_in_vain("0", "--host", "192.0.2.1")


@pytest.mark.parametrize("port", ["http", "65536"])
def test_command_explains_invalid_port(port: str) -> None:
    assert f"{port!r} is not a port" in run_in_vain(port)


def test_command_serves_project_with_list_of_fakes(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with running(log, "0", FAKE_PROJECT_LIST="1"):
        assert '  Set SOCIAL_ENDPOINTS["FAKE_PROVIDERS"]["github"] = "' in log.read_text()


def test_command_explains_settings_that_cannot_be_used(configure: Configure) -> None:
    configure(STRATEGY="nonexistent.Strategy")

    with pytest.raises(CommandError, match=r"\['STRATEGY'\]: cannot import"):
        call_command("fake_provider", "0")


def test_command_refuses_to_run_without_debug() -> None:
    explanation = run_in_vain(str(free_port()), FAKE_PROJECT_DEBUG="off")

    assert "DEBUG is off" in explanation


def test_setting_without_debug_is_error_of_project() -> None:
    program = (
        "import django; django.setup()\n"
        "from django.core.checks import run_checks\n"
        "from rest_framework.test import APIClient\n"
        "print(*(message.id for message in run_checks()))\n"
        "client = APIClient(raise_request_exception=False, HTTP_HOST='api.example.com')\n"
        f"begun = client.get('/auth/o/github/?redirect_uri={REDIRECT_URI}', secure=True)\n"
        "print(begun.status_code)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(FAKE_PROJECT_DEBUG="off"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "social_endpoints.E034" in result.stdout, result.stderr
    assert result.stdout.split()[-1] == "500"
    assert "code=invalid_setting" in result.stderr
