"""The site as its OAuth providers know it."""

from __future__ import annotations

# oauthlib wants 20 to 30 letters and digits.
ID = "clientOfEveryProvider"
SECRET = "secretThatBothSidesKnow"

APP, OTHER_APP = "theNativeAppOfTheProject", "theAppOfSomebodyElse00"
"""Clients that are not the site: the project's own app, and one of somebody else's."""
