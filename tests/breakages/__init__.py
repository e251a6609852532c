"""Deliberate breakages of the package, each of which the tests must catch.

A breakage removes one security property: it replaces texts in one module. The command
``python -m tests.breakages`` applies one after the other to a copy of the project and runs the
tests that hold the property.
"""
