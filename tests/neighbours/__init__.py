"""A project that has other packages installed, all at once."""
