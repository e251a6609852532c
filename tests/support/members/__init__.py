"""An app with user models that differ from Django's."""
