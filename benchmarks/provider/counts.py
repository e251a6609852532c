"""What the provider has seen."""

from __future__ import annotations

import threading
from collections import Counter


class Counts:
    """Counts from many threads."""

    def __init__(self) -> None:
        self._counter: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, what: str) -> None:
        with self._lock:
            self._counter[what] += 1

    def all(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counter)
