"""The consent page that the providers share."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from django.http import HttpRequest, HttpResponse

PAGE = """<!doctype html>
<html lang="en">
<title>{title}</title>
<h1>{title}</h1>
<form method="post">
{fields}
<label>User name <input name="user" value="ada"></label>
<button name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button>
</form>
</html>
"""
FIELD = '<input type="hidden" name="{name}" value="{value}">'


def consent_page(title: str, params: Mapping[str, str]) -> HttpResponse:
    """Return a form that posts the request's parameters, the user's name and the decision."""
    fields = (FIELD.format(name=escape(name), value=escape(params[name])) for name in params)
    return HttpResponse(PAGE.format(title=escape(title), fields="\n".join(fields)))


def is_allowed(request: HttpRequest) -> bool:
    return request.POST["answer"] == "allow"
