"""Logins with real servers: each a process of its own, on the loopback interface."""
