"""Logins of all kinds for a while, on several server processes: ``python -m tests.soak``"""
