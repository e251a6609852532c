"""An OpenID Connect provider for this machine, made with django-oauth-toolkit."""
