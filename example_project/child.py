"""Run a module in a process that ends with its parent: ``python child.py MODULE ARGUMENT…``

Standard input is a pipe from the parent. The system closes it when the parent ends, even
with SIGKILL. Then this process kills its process group: itself and its own children.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
from pathlib import Path


def end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    if os.name == "posix":
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    del sys.argv[0]
    sys.path[0] = str(Path.cwd())
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
