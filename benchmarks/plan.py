"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The numbers of a run.

    :param logins: of each site with each protocol, for CPU time and memory.
    :param repeats: of each delay, for the round trips of a warm login.
    :param processes: of each site and for each delay, for the round trips of a first login and
        of one after a quiet minute.
    :param abandoned: begins that nobody completes.
    :param shared: logins of each worker in one of ``rounds``, for throughput.
    :param idle: seconds after which the project closes a kept connection.
    :param quiet: seconds without a login that count as a quiet minute.
    :param delays: round trip times of the way to the provider, in seconds.
    :param warm_up: logins of a process before it is warm.
    """

    logins: int
    repeats: int
    processes: int
    abandoned: int
    shared: int
    rounds: int
    idle: int
    quiet: float
    delays: tuple[float, ...] = (0.0, 0.025, 0.1)
    warm_up: int = 3


FULL = Plan(
    logins=200, repeats=9, processes=3, abandoned=200, shared=50, rounds=3, idle=50, quiet=60
)
QUICK = Plan(logins=25, repeats=3, processes=1, abandoned=40, shared=20, rounds=1, idle=1, quiet=2)
