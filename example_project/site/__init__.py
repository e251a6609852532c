"""The part of an ordinary Django REST project whose users sign in by ``social_endpoints``."""
