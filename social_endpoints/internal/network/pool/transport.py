"""How a backend's requests are sent: by core's own method, over connections that are kept."""

from __future__ import annotations

from functools import update_wrapper
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests
from requests import Response
from social_core.backends.base import BaseAuth

from social_endpoints.internal.network.deadline import until
from social_endpoints.internal.network.pool import sessions
from social_endpoints.internal.network.pool.answer import good_once

# The backends of social-core 7 are generic, those of 6 are not.
if TYPE_CHECKING:
    _BaseAuth = BaseAuth[Any]
else:
    _BaseAuth = BaseAuth


def _over_kept_connections(method: FunctionType) -> Any:
    """Return a method of core's that does what it did, with another ``requests.request()``.

    So what it makes of a provider's failures, and what it hides of them, remains its own.
    """
    namespace = SimpleNamespace(**{**vars(requests), "request": sessions.request})
    known = {**method.__globals__, "requests": namespace}
    same = FunctionType(method.__code__, known, method.__name__, method.__defaults__)
    same.__kwdefaults__ = method.__kwdefaults__
    return same


_request = _over_kept_connections(BaseAuth.request)  # type: ignore[arg-type]  # mypy knows of a Callable


class PooledTransport(_BaseAuth):
    """A mixin directly above ``BaseAuth``, below what a backend makes of ``request()``."""

    def request(self, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send a request as core does, over a connection that may be open already.

        :raises SocialAuthBaseException: as core does, and where the time of this login
            is up.
        """
        strategy: Any = self.strategy
        redeems = kwargs.get("stage") == "token_exchange"
        has_body = bool(kwargs.get("data") or kwargs.get("json"))
        with until(strategy.deadline), good_once(redeems and not has_body):
            response: Response = _request(self, url, *args, **kwargs)
            return response


# So that it has core's signature, too.
update_wrapper(PooledTransport.request, BaseAuth.request, assigned=())
