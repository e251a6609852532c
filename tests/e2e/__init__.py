"""The example by its command, in a browser."""
