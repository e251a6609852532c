"""How often the certificates of authorities are read."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from social_endpoints.internal.network.pool.contexts import MAX_CONTEXTS, Contexts
from tests.api.network.pool.authority import Authority


def test_one_context_for_each_way_to_verify(authority: Authority, tmp_path: Path) -> None:
    contexts = Contexts()
    bundle, copy = str(authority.bundle), tmp_path / "copy.pem"
    copy.write_bytes(authority.bundle.read_bytes())

    context = contexts.get(bundle, None)
    ways = [context, *(contexts.get(*way) for way in ((str(copy), None), (None, str(tmp_path))))]

    assert contexts.get(bundle, None) is context
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert len(set(map(id, ways))) == len(ways)
    unverified = contexts.get(None, None)
    assert unverified is contexts.get(None, None)
    assert (unverified.verify_mode, unverified.check_hostname) == (ssl.CERT_NONE, False)


def test_a_file_that_has_changed_is_read_again(authority: Authority, tmp_path: Path) -> None:
    contexts = Contexts()
    bundle = authority.bundle
    before = contexts.get(str(bundle), None)

    bundle.write_bytes(bundle.read_bytes() + Authority(tmp_path, "other").bundle.read_bytes())

    after = contexts.get(str(bundle), None)
    assert [len(each.get_ca_certs()) for each in (before, after)] == [1, 2]


def test_contexts_are_bounded(authority: Authority, tmp_path: Path) -> None:
    contexts = Contexts()
    first = contexts.get(None, None)
    paths = [tmp_path / f"{number}.pem" for number in range(MAX_CONTEXTS)]
    for path in paths:
        path.write_bytes(authority.bundle.read_bytes())
        last = contexts.get(str(path), None)

    assert contexts.get(str(paths[-1]), None) is last
    assert contexts.get(None, None) is not first


def test_a_file_that_holds_no_certificate(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()

    with pytest.raises(OSError, match="no certificate"):
        Contexts().get(str(empty), None)
