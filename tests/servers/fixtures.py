"""The servers as fixtures: each is started by the first test that needs it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from example_project.second_origin import page_server
from tests.servers.addresses import Addresses
from tests.servers.keys import make_key
from tests.servers.processes import SITE_SETTINGS, Processes, free_ports
from tests.servers.providers import openid_connect

NO_XMLSEC1 = """These tests need the program xmlsec1, which pysaml2 signs with. Get it with
  apt-get install xmlsec1        (Debian, Ubuntu)"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show, below a test that has failed, what the servers logged last."""
    report = yield
    processes = getattr(item, "funcargs", {}).get("processes")
    if report.failed and processes is not None:
        report.sections += [(f"log of {name}", text) for name, text in processes.last_lines()]
    return report


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Processes:
    addresses = Addresses(0)
    addresses = Addresses(free_ports(len(addresses.ports)))
    data = tmp_path_factory.mktemp("servers")
    for name in ("site", "saml", "other"):
        make_key(data, name)
    return Processes(addresses, data)


@pytest.fixture(scope="session")
def site(processes: Processes) -> Iterator[Processes]:
    """The site under test, with an empty database."""
    processes.run("-m", "django", "migrate", "--verbosity=0")
    with processes.django("site", processes.addresses.ports[0], f"--settings={SITE_SETTINGS}"):
        yield processes


@pytest.fixture(scope="session")
def second_origin(site: Processes) -> Iterator[str]:
    """The example's page on an origin of its own."""
    with page_server(site.addresses) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site.addresses.second_origin
        server.shutdown()


@pytest.fixture(scope="session")
def example_provider(processes: Processes) -> Iterator[None]:
    """The OpenID provider of the example."""
    processes.run("-m", "example_project.provider.prepare")
    settings = "--settings=example_project.provider.settings"
    with processes.django("example", processes.addresses.ports[2], settings):
        yield


@pytest.fixture(scope="session")
def openid_connect_provider(processes: Processes) -> Iterator[None]:
    """One of another make."""
    command = openid_connect.command(processes.addresses)
    with processes.server("openid-connect", command, processes.addresses.ports[3]):
        yield


@pytest.fixture(scope="session")
def oauth1_provider(processes: Processes) -> Iterator[None]:
    port = processes.addresses.ports[4]
    with processes.django("oauth1", port, "--urlconf=tests.servers.providers.oauth1"):
        yield


@pytest.fixture(scope="session")
def openid2_provider(processes: Processes) -> Iterator[None]:
    port = processes.addresses.ports[5]
    with processes.django("openid2", port, "--urlconf=tests.servers.providers.openid2"):
        yield


@pytest.fixture(scope="session")
def other_openid2_provider(processes: Processes) -> Iterator[None]:
    port = processes.addresses.ports[6]
    with processes.django("other-openid2", port, "--urlconf=tests.servers.providers.openid2"):
        yield


@pytest.fixture(scope="session")
def saml_provider(site: Processes) -> Iterator[None]:
    """An identity provider that has the site's metadata, as the site's command prints it."""
    assert shutil.which("xmlsec1"), NO_XMLSEC1
    metadata = site.run("-m", "django", "saml_metadata", site.addresses.site)
    (site.data / "site-metadata.xml").write_text(metadata)
    port = site.addresses.ports[7]
    with site.django("saml", port, "--urlconf=tests.servers.providers.saml"):
        yield
