"""What a login costs, side by side with others: ``python3 -m benchmarks``

What ``__main__`` imports is the standard library alone. ``provider`` and ``site`` run as
processes of their own, in the environments that the command makes.
"""
