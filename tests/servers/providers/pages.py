"""The one page of the providers: it asks the user for consent."""

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


def consent(title: str, asked: Mapping[str, str]) -> HttpResponse:
    """A form that posts what was asked, who the user is, and the user's answer."""
    fields = (FIELD.format(name=escape(name), value=escape(asked[name])) for name in asked)
    return HttpResponse(PAGE.format(title=escape(title), fields="\n".join(fields)))


def is_allowed(request: HttpRequest) -> bool:
    return request.POST["answer"] == "allow"
