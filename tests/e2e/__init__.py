"""The example, used as a user does: by its command and in a browser."""
