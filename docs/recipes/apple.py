# myproject/apple.py
from typing import Any


def revoke_refresh_token(strategy: Any, entries: list[Any], **kwargs: Any) -> None:
    """Send the refresh tokens of the connections to Apple."""
    for connection in entries:
        token = connection.extra_data.get("refresh_token")
        if token:
            backend = connection.get_backend_instance(strategy)
            backend.revoke_token(token, connection.uid)
