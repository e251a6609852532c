"""What the command tells a site."""

from __future__ import annotations

import os

PEER = os.environ["BENCHMARK_PEER"]
PROVIDER = os.environ["BENCHMARK_PROVIDER"]
DATABASE = os.environ["BENCHMARK_DATABASE"]
"""The path of an SQLite file, or ``postgresql:`` and a name."""
SHARED_CACHE = os.environ.get("BENCHMARK_SHARED_CACHE", "")
"""The folder of a cache for all processes; else each has its own."""
HTTP_POOL = bool(os.environ.get("BENCHMARK_HTTP_POOL", "1"))
HTTP_POOL_IDLE = int(os.environ.get("BENCHMARK_HTTP_POOL_IDLE", "50"))
