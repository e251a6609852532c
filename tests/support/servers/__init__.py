"""Real servers for tests over HTTP: the example's site, and a provider of each protocol."""
