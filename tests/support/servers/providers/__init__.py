"""Identity providers, each made with a library for servers of its protocol."""
