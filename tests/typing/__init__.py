"""Code of a project that uses the public API. mypy checks it in strict mode; it is not run."""
