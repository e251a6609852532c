"""Runs the provider: ``python -m benchmarks.provider CERTIFICATE BUNDLE``

It writes both files, prints both of its ports as JSON, and ends with its standard input.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from benchmarks.provider.answers import Answers
from benchmarks.provider.control import Control
from benchmarks.provider.counts import Counts
from benchmarks.provider.keys import write_certificate
from benchmarks.provider.server import Provider


def main() -> None:
    certificate, bundle = map(Path, sys.argv[1:])
    write_certificate(certificate, bundle)
    answers, counts = Answers(), Counts()
    provider, control = Provider(certificate, answers, counts), Control(answers, counts)
    for server in (provider, control):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = {"tls": provider.server_address[1], "control": control.server_address[1]}
    print(json.dumps(ports), flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
