"""Logins over real HTTP, with a real provider of every protocol."""
