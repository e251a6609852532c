"""The addresses of the example: two work, and the page explains that others do not."""

from __future__ import annotations

from http.client import HTTPConnection

import pytest

from tests.support.example import Example


def get(example: Example, host: str, *, ip: str = "127.0.0.1", path: str = "/") -> tuple[int, str]:
    """Request a page like a browser that has this host in its address; return status and page."""
    try:
        connection = HTTPConnection(ip, example.port, timeout=10)
        connection.connect()
    except OSError:
        if ip == "127.0.0.1":
            raise
        pytest.skip("this machine has no IPv6")
    connection.request("GET", path, headers={"Host": host.format(port=example.port)})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_localhost_has_page(example: Example, ip: str) -> None:
    status, text = get(example, "localhost:{port}", ip=ip)
    assert status == 200
    assert "<title>Example" in text


@pytest.mark.parametrize("host", ["0.0.0.0:{port}", "[::1]:{port}", "name.local", "localhost:1"])
def test_other_address_names_those_that_work(example: Example, host: str) -> None:
    status, text = get(example, host, ip="::1" if "::1" in host else "127.0.0.1")
    assert status == 400
    for origin in (example.site, example.other_origin):
        assert f'<a href="{origin}/">' in text
    assert "Traceback" not in example.log.read_text()
