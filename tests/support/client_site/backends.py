"""One more backend for the fake provider."""

from __future__ import annotations

from example_project.site.backends import DemoOpenIdConnect


class PausingOpenIdConnect(DemoOpenIdConnect):
    """A provider whose pipeline asks a new user for a name."""

    name = "demo-pausing"
    title = "Demo (asks for a name)"
