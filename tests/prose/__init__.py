"""Lint the prose of the documentation and of the package: ``python -m tests.prose``."""
