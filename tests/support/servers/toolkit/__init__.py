"""An OpenID Connect provider made with django-oauth-toolkit, in the process of the site."""
