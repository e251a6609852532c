"""The cost of a login, measured beside other packages: ``python3 -m benchmarks``

``provider`` and ``site`` run as processes of their own, in virtual environments that the
command creates. The other modules import only the standard library.
"""
