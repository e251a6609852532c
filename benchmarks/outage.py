"""Rates of logins while another provider fails: ``python -m benchmarks.outage 1x8 hang``

It needs this project, gunicorn, uvicorn, psycopg and redis in the environment, and servers of
PostgreSQL and Redis on 127.0.0.1. Half of the logins go to the provider that fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg
import requests

from benchmarks.bench import ROOT, Provider, new_user, running_provider
from benchmarks.browser import Browser
from benchmarks.peers import REDIRECT_URI

PORT = 8765
BIND = ["--bind", f"127.0.0.1:{PORT}", "--timeout=60", "benchmarks.outage_site:wsgi()"]
SERVERS = {
    "sync": ["gunicorn", "--workers=4", *BIND],
    "2x4": ["gunicorn", "--workers=2", "--threads=4", *BIND],
    "1x8": ["gunicorn", "--workers=1", "--threads=8", *BIND],
    "uvicorn": ["uvicorn", f"--port={PORT}", "--factory", "benchmarks.outage_site:asgi"],
}
PHASES = {"before": 10, "first 10 s": 10, "later": 60, "recovery": 45, "after": 10}  # Seconds.
OUTAGE = ("first 10 s", "later")
SOON = 2.0  # Seconds within which a login must be complete to be counted.


class Relay(BaseHTTPRequestHandler):
    """Passes requests on to the provider, unless there is an outage."""

    outage = ""
    provider: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.outage == "hang":
            self.connection.recv(1)  # Until the site closes the connection.
        elif self.outage == "drip":
            for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
                self.connection.sendall(bytes([byte]))
                time.sleep(0.1)
        elif self.outage != "refuse":
            time.sleep(4 if self.outage == "slow" else 0)
            self.pass_on(body)

    def do_GET(self) -> None:
        self.do_POST()

    def pass_on(self, body: bytes) -> None:
        names = ("Authorization", "Content-Type")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        url, verify = self.provider.url + self.path, str(self.provider.bundle)
        answer = requests.request(
            self.command, url, data=body, headers=headers, verify=verify, timeout=10
        )
        self.send_response(answer.status_code)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *arguments: object) -> None:
        """Write no log."""


class Load:
    """Logins that begin at a fixed rate, alternately with each provider."""

    def __init__(self, provider: Provider, rate: float) -> None:
        self.provider, self.rate, self.lock = provider, rate, threading.Lock()

    def log_in(self, name: str, results: Counter[tuple[str, str]]) -> None:
        started, browser, outcome = time.monotonic(), Browser(PORT), "error"
        try:
            query = urlencode({"redirect_uri": REDIRECT_URI})
            begun = browser.get(f"/auth/o/{name}/?{query}").json()
            sent = dict(parse_qsl(urlsplit(begun.pop("authorization_url")).query))
            with self.lock:
                begun["code"] = self.provider.authorize(sent, new_user())
            browser.post_json(f"/auth/o/{name}/", {**begun, "state": sent["state"]}, 201)
            outcome = "soon" if time.monotonic() - started < SOON else "late"
        except (OSError, RuntimeError) as error:  # Its text is the response.
            outcome = str(error).partition('"error_code":"')[2].partition('"')[0] or outcome
        results[name, outcome] += 1

    def run(self, seconds: float) -> str:
        """Send logins for some seconds; return the rate of the other provider and all outcomes."""
        results: Counter[tuple[str, str]] = Counter()
        begun, threads = time.monotonic(), []
        for number in range(int(seconds * self.rate * 2)):
            time.sleep(max(0, begun + number / self.rate / 2 - time.monotonic()))
            name = "oidc" if number % 2 else "failing"
            threads.append(threading.Thread(target=self.log_in, args=[name, results]))
            threads[-1].start()
        for thread in threads:
            thread.join()
        rate = results["oidc", "soon"] / seconds
        outcomes = " ".join(f"{'/'.join(key)}={results[key]}" for key in sorted(results))
        return f"{rate:5.1f}/s {rate / self.rate:5.0%}   {outcomes}"


def start(stack: ExitStack, server: str, settings: str) -> Provider:
    """Start the provider, its relay and the server."""
    data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    provider = stack.enter_context(running_provider(Path(sys.executable), data))
    relay = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    relay.daemon_threads, Relay.provider = True, provider
    threading.Thread(target=relay.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{relay.server_port}"
    failing = {"OIDC_ENDPOINT": provider.url, "KEY": "the-site", "SECRET": "shared"}
    failing |= {"ACCESS_TOKEN_URL": f"{here}/token", "USERINFO_URL": f"{here}/userinfo"}
    os.environ |= {"BENCHMARK_FAILING": json.dumps(failing), "BENCHMARK_SETTINGS": settings}
    os.environ |= {"BENCHMARK_PEER": "project", "BENCHMARK_PROVIDER": provider.url}
    os.environ |= {"BENCHMARK_HTTP_POOL": "true", "BENCHMARK_HTTP_POOL_IDLE": "50"}
    os.environ |= {"BENCHMARK_DATABASE": "", "REQUESTS_CA_BUNDLE": str(provider.bundle)}
    code = "from benchmarks.outage_site import prepare; prepare(); "
    code += "from django.core.management import call_command; call_command('migrate', verbosity=0)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    process = subprocess.Popen([sys.executable, "-m", *SERVERS[server]], cwd=ROOT)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    for _ in range(200):
        with suppress(OSError):
            Browser(PORT).get("/auth/o/")
            break
        time.sleep(0.1)
    return provider


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server", choices=SERVERS)
    parser.add_argument("outage", choices=["hang", "slow", "drip", "refuse"])
    parser.add_argument("--rate", type=float, default=10, help="logins per second and provider")
    parser.add_argument("--settings", default="{}", help="more SOCIAL_ENDPOINTS, as JSON")
    options = parser.parse_args()
    with psycopg.connect("host=127.0.0.1 user=postgres dbname=postgres", autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS outage WITH (FORCE)")
        db.execute("CREATE DATABASE outage")
    with ExitStack() as stack:
        load = Load(start(stack, options.server, options.settings), options.rate)
        load.run(3)
        for phase, seconds in PHASES.items():
            Relay.outage = options.outage if phase in OUTAGE else ""
            print(f"{options.server} {options.outage} {phase:10} {load.run(seconds)}", flush=True)


if __name__ == "__main__":
    main()
