"""The example's site, with one more provider for each protocol."""
