"""An ordinary Django REST project that lets its users sign in by ``social_endpoints``."""
