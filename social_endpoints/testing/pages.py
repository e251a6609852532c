"""The pages that the fake provider shows to a person."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django import forms
from django.core import signing
from django.forms.fields import InvalidJSONInput
from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine

from social_endpoints.testing.claims import Claims, complete_claims

DIRECTORY = Path(__file__).parent / "page_files"

# There is no form-action: browsers apply it to the redirects after a form as well, and the page of
# the project may redirect to any other page.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    # Like most providers: a popup keeps its opener.
    "Cross-Origin-Opener-Policy": "unsafe-none",
}

COOKIE = "social_endpoints_fake_person"
_SALT = "social_endpoints.testing"
_YEAR = 365 * 24 * 3600  # seconds
_MAX_COOKIE = 3_500

MAX_DELAY = 120
"""Longest delay that a person can choose, in seconds."""

FAILURES = {
    "server_error": "The provider returns the error server_error",
    "temporarily_unavailable": "The provider returns the error temporarily_unavailable",
    "code": "The provider refuses the code",
    "token_unavailable": "The token endpoint responds with a 503",
    "signature": "The signature of the ID token is wrong",
    "profile": "The provider refuses to send the profile",
}
"""What can go wrong after the button, with a description for people."""

AUTHORIZATION_ERRORS = frozenset({"server_error", "temporarily_unavailable"})
"""Those that the authorization endpoint returns (RFC 6749 section 4.1.2.1)."""

_EDITED = ("sub", "name", "email", "email_verified")


class ClaimsField(forms.JSONField):
    """A JSON object. An empty field is an empty object."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value in (None, {}) else super().prepare_value(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except (RecursionError, ValueError):  # See clean().
            return InvalidJSONInput(data)

    def clean(self, value: Any) -> Any:
        try:
            claims = super().clean(value.strip() if isinstance(value, str) else value)
            json.dumps(claims, allow_nan=False)
        except (RecursionError, ValueError) as error:  # Deep nesting, or a number beyond limits.
            raise forms.ValidationError("Enter a smaller JSON object.") from error
        if claims is not None and not isinstance(claims, dict):
            raise forms.ValidationError("Enter a JSON object.")
        return claims or {}


class PersonForm(forms.Form):
    """The person who signs in, and the errors of the provider."""

    sub = forms.CharField(
        label="User ID",
        max_length=255,
        help_text="The claim sub. The same ID is the same account.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(
        label="Name",
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = forms.EmailField(
        label="E-mail address",
        required=False,
        help_text="Without one, the provider sends no address.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    email_verified = forms.BooleanField(label="The address is verified", required=False)
    claims = ClaimsField(
        label="Claims as JSON",
        required=False,
        help_text='For example {"locale": "de"}. They replace the values above. null removes one.',
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
    )
    failure = forms.ChoiceField(
        label="What goes wrong", required=False, choices=[("", "Nothing"), *FAILURES.items()]
    )
    delay = forms.IntegerField(
        label="Delay in seconds",
        required=False,
        min_value=0,
        max_value=MAX_DELAY,
        help_text="The provider waits before each response to the server.",
    )

    default_renderer = DjangoTemplates  # The templates of the project may replace Django's.

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = next(iter(self.errors), "sub") if self.is_bound else "sub"
        self.fields[first].widget.attrs["autofocus"] = True


def load_person(request: HttpRequest) -> dict[str, Any]:
    """Return what the browser has stored about the last person, or an empty dictionary."""
    try:
        value = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT)
    except signing.BadSignature:
        return {}
    return value if isinstance(value, dict) else {}


def remember(
    response: HttpResponse, value: dict[str, Any], request: HttpRequest, path: str
) -> None:
    """Store the last person in the browser."""
    text = signing.dumps(value, salt=_SALT, compress=True)
    if len(text) <= _MAX_COOKIE:
        response.set_cookie(
            COOKIE,
            text,
            max_age=_YEAR,
            path=path,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )


def initial(person: dict[str, Any], login_hint: str) -> dict[str, Any]:
    """Return the initial values of the form: the last person, or a first one."""
    claims = complete_claims({"email": login_hint if "@" in login_hint else "ada@example.com"})
    suggested = {name: claims[name] for name in _EDITED}
    last: dict[str, Any] = person.get("form") or suggested
    return suggested if "@" in login_hint and last.get("email") != login_hint else last


def claims_of(values: dict[str, Any]) -> Claims:
    """Return the claims of what a person has entered."""
    claims: Claims = {
        "sub": values["sub"],
        "name": values["name"] or None,
        "email": values["email"] or None,
        "email_verified": values["email_verified"],
    }
    if not values["name"]:
        claims |= {"given_name": None, "family_name": None}
    return {**claims, **(values["claims"] or {})}


def form_values(form: PersonForm) -> dict[str, Any]:
    """Return what a person has entered, for the next login. Errors are not repeated."""
    values = {name: form.cleaned_data[name] for name in _EDITED}
    return {**values, "claims": form.cleaned_data["claims"] or None}


def render(name: str, status: int = 200, /, **context: Any) -> HttpResponse:
    """Return a page. It depends on no setting of the project."""
    template = _engine().get_template(name)
    return HttpResponse(template.render(Context(context)), status=status, headers=HEADERS)


@cache
def _engine() -> Engine:
    return Engine(dirs=[str(DIRECTORY)])
