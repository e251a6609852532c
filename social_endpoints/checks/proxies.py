"""System check of how the address of a client is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage, Warning
from rest_framework.settings import api_settings

from social_endpoints.conf import NAME, settings


def check_deployed_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Find that whoever is throttled by address could name another one each time."""
    rates: Any = settings.THROTTLE_RATES
    proxies: Any = api_settings.NUM_PROXIES
    is_limited = isinstance(rates, Mapping) and bool(rates.get("anon"))
    if not is_limited or (isinstance(proxies, int) and proxies >= 0):
        return []
    return [
        Warning(
            f"{NAME}['THROTTLE_RATES'] limits addresses, and NUM_PROXIES is {proxies!r}: whatever"
            " a client writes into X-Forwarded-For is its address, and so nobody is limited.",
            hint='Set REST_FRAMEWORK["NUM_PROXIES"] to the number of proxies in front of this'
            " server: 0 where there is none.",
            id="social_endpoints.W008",
        )
    ]
