"""The site as its OAuth providers know it."""

from __future__ import annotations

# oauthlib wants 20 to 30 letters and digits.
ID = "clientOfEveryProvider"
SECRET = "secretThatBothSidesKnow"
