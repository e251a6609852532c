"""The TLS contexts of a process: reading the certificates of all authorities takes long."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from ssl import CERT_NONE, CERT_REQUIRED, SSLContext
from threading import Lock
from typing import Any

from urllib3.util.ssl_ import create_urllib3_context

MAX_CONTEXTS = 32


class Contexts:
    """One context for each way to verify a provider, made when it is first asked for."""

    def __init__(self) -> None:
        self._made: OrderedDict[Any, SSLContext] = OrderedDict()
        self._lock = Lock()

    def get(self, ca_certs: str | None, ca_cert_dir: str | None) -> SSLContext:
        """Return the context that verifies by some authorities, as their files are now.

        :param ca_certs: the file they are in; or
        :param ca_cert_dir: the folder; with neither, nothing is verified.
        """
        key = ca_certs, ca_cert_dir, _version(ca_certs or ca_cert_dir)
        with self._lock:
            if key not in self._made:
                self._made[key] = _context(ca_certs, ca_cert_dir)
                if len(self._made) > MAX_CONTEXTS:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]


def _version(path: str | None) -> tuple[int, ...]:
    if path is None:
        return ()
    found = Path(path).stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _context(ca_certs: str | None, ca_cert_dir: str | None) -> SSLContext:
    # What urllib3 makes for each connection where it is given none.
    if ca_certs is None and ca_cert_dir is None:
        return create_urllib3_context(cert_reqs=CERT_NONE)
    context = create_urllib3_context(cert_reqs=CERT_REQUIRED)
    context.load_verify_locations(ca_certs, ca_cert_dir)
    return context
