"""What is measured: each module answers figures, by their name and the peer's."""
