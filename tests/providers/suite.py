"""The test cases of each backend: those of social-core and those of this repository."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from operator import methodcaller
from typing import Any

from tests.providers import sdist
from tests.providers.backends import shipped
from tests.providers.driver import Direct, Play, drive

_FIRST = ("test_login", "test_everything_works", "do_login")


@dataclass(frozen=True)
class Case:
    """A test case, the method that logs in, and the resulting user."""

    case_class: type[Any]
    play: Play
    user: Any


@cache
def all_cases() -> dict[str, list[type[Any]]]:
    """Return all test cases of each backend."""
    by_path = {path: list(classes) for path, classes in sdist.cases().items()}
    # Their base classes have just been downloaded.
    from tests.providers import answers, openid2, particular, saml

    replaced = particular.REPLACED | saml.REPLACED | openid2.REPLACED
    found: dict[str, list[type[Any]]] = {name: [] for name in shipped()}
    for path, classes in by_path.items():
        name = _name_of(path)
        if name:
            found[name] += [kind for kind in classes if kind.__name__ not in replaced]
    for kind in (*answers.cases(), *openid2.cases(), *particular.CASES, *saml.CASES):
        found[_name_of(kind.backend_path)].append(kind)
    return found


def _name_of(path: str) -> str:
    # Some of social-core's cases test a backend that they define.
    from social_core.utils import module_member

    return module_member(path).name if path.startswith("social_core.backends.") else ""


def logins(name: str) -> list[Case]:
    """Return the cases in which a login with social-core alone succeeds."""
    found = (_login(kind) for kind in all_cases()[name])
    return [case for case in found if case is not None]


def why_not(name: str) -> str:
    """Return the error of the last case's first method."""
    for case_class in all_cases()[name][-1:]:
        try:
            drive(case_class, methodcaller(_methods(case_class)[0]), Direct)
        except Exception as error:  # noqa: BLE001 - a case may raise anything
            return f"{case_class.__name__}: {error!r}"
    return "there is no case with a login"


def _login(case_class: type[Any]) -> Case | None:
    for method in _methods(case_class):
        play = methodcaller(method)
        try:
            user = drive(case_class, play, Direct)
        except Exception:  # noqa: BLE001 - most methods test something else
            continue
        if user is not None:
            return Case(case_class, play, user)
    return None


def _methods(case_class: type[Any]) -> list[str]:
    named = sorted(name for name in dir(case_class) if name.startswith("test_") and "login" in name)
    return [*(name for name in _FIRST if hasattr(case_class, name)), *named]
