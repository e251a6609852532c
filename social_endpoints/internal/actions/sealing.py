"""How an action hands a flow to the browser."""

from __future__ import annotations

import time
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthInputError, ErrorStage

from social_endpoints.internal.backends.config import lifetime
from social_endpoints.internal.flows.flow import MAX_LENGTH, Flow, seal
from social_endpoints.types import SealedFlow


def sealed(flow: Flow, backend: BaseAuth[Any], *, stage: ErrorStage) -> SealedFlow:
    """Seal a flow, which lives from now on.

    :raises AuthInputError: what is stored in the flow makes it too long for a cookie.
    :raises AuthConfigurationError: the setting of its lifetime is none.
    """
    seconds = lifetime(backend)
    flow.expires = int(time.time()) + seconds
    token = seal(flow)
    if len(token) > MAX_LENGTH:
        raise AuthInputError(backend, code="invalid_parameter", stage=stage)
    return SealedFlow(token, flow.key or flow.id, seconds)
