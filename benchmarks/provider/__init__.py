"""A provider over TLS 1.3 that counts what it is asked: OpenID Connect, and plain OAuth 2."""
