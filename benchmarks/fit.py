"""The straight line through points."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import linear_regression


def slope(points: Mapping[float, float]) -> float:
    """Return by how much y grows with x, by least squares.

    :param points: y by x, two or more. With the durations of a login by the round trip
        time, both in one unit, it is how many round trips the login waits for.
    """
    return linear_regression(list(points), list(points.values())).slope
