"""The fake provider over HTTP: its pages, its endpoints, and the requests sent to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import jwt
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.encoding import iri_to_uri
from django.utils.translation import override
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from social_endpoints.exceptions import ProviderNotSupported
from social_endpoints.internal.flows.redirect_uris import with_parameters
from social_endpoints.testing import pages
from social_endpoints.testing.authorization import (
    AuthorizationRequest,
    InvalidRequest,
    read_request,
)
from social_endpoints.testing.client import ProviderNotFakeable
from social_endpoints.testing.configured import (
    configured_client,
    configured_clients,
    may_return_after_logout,
    names_of,
)
from social_endpoints.testing.messages import ProviderRequest, ProviderResponse
from social_endpoints.testing.pages import PersonForm
from social_endpoints.testing.provider import FakeProvider
from social_endpoints.testing.served import ServedProviders, Trouble

START = "fake-provider"
"""Name of the URL of the start page, which is the issuer of all clients."""

_FILES = {"style.css": "text/css", "submit.js": "text/javascript", "icon.svg": "image/svg+xml"}
_OWN_KWARGS = frozenset({"provider", "name", "scheme", "rest", "endpoint"})

served = ServedProviders()


class Mounted(View):
    """Base view that knows where the project has included the URLs."""

    @property
    def issuer(self) -> str:
        """The address of the start page, without a slash at the end."""
        return str(self.request.build_absolute_uri(self.path)).rstrip("/")

    @property
    def path(self) -> str:
        """The path of the start page."""
        match: Any = self.request.resolver_match
        kwargs = {name: each for name, each in match.kwargs.items() if name not in _OWN_KWARGS}
        return reverse(":".join([*match.namespaces, START]), kwargs=kwargs)


class Page(Mounted):
    """Base view of everything that a person sees."""

    @method_decorator(csrf_protect)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show an error page if the request is refused."""
        # The texts are English, and the messages of Django's forms are on the same page.
        with override("en"):
            try:
                return super().dispatch(request, *args, **kwargs)
            except InvalidRequest as error:
                problem = {"error": error.error, "description": error.description}
                return self.page("problem.html", 400, problem=problem, values=error.values)

    def page(self, name: str, status: int = 200, /, **context: Any) -> HttpResponse:
        """Return a page."""
        context = {"base": self.path.rstrip("/"), **context}
        return pages.render(name, status, **context, csrf_token=get_token(self.request))


class StartPage(Page):
    """The providers that the fake stands in for, and what a person can do to all of them."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the clients."""
        return self.page("index.html", issuer=self.issuer, clients=configured_clients())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Revoke all tokens, or replace the signing key."""
        action, done = request.POST.get("action"), ""
        if action == "revoke":
            served.revoke_everything()
            done = "All codes and tokens are revoked."
        elif action == "rotate":
            served.rotate_keys()
            done = "The signing key is replaced."
        return self.page("index.html", issuer=self.issuer, clients=configured_clients(), done=done)


class AuthorizationPage(Page):
    """The authorization endpoint, where a person chooses an identity, and approves or declines."""

    def get(self, request: HttpRequest, provider: str = "", **kwargs: Any) -> HttpResponse:
        """Ask for the person, unless the client wants a response without a page."""
        authorization = self._read(provider)
        if authorization.error:
            return self._redirect(authorization, None, error=authorization.error)
        person = pages.load_person(request)
        if "none" in authorization.prompts:
            if person.get("form") and not person.get("is_signed_out"):
                return self._redirect(authorization, pages.claims_of(person["form"]))
            return self._redirect(authorization, None, error="login_required")
        form = PersonForm(initial=pages.initial(person, authorization.params.get("login_hint", "")))
        return self._show(authorization, form, person)

    def post(self, request: HttpRequest, provider: str = "", **kwargs: Any) -> HttpResponse:
        """Send the browser back with a code, or with an error."""
        authorization = self._read(provider)
        is_declined = request.POST.get("decision") == "decline"
        if error := authorization.error or ("access_denied" if is_declined else ""):
            return self._redirect(authorization, None, error=error)
        form = PersonForm(request.POST)
        if not form.is_valid():
            return self._show(authorization, form, {}, 422)
        failure = form.cleaned_data["failure"]
        error = failure if failure in pages.AUTHORIZATION_ERRORS else ""
        trouble = Trouble(failure, form.cleaned_data["delay"] or 0)
        response = self._redirect(
            authorization, pages.claims_of(pages.form_values(form)), error=error, trouble=trouble
        )
        pages.remember(response, {"form": pages.form_values(form)}, request, self.path)
        return response

    def _fake(self) -> FakeProvider:
        provider = self.kwargs.get("provider")
        return served.provider(provider) if provider else served.issuer(self.issuer)

    def _read(self, provider: str) -> AuthorizationRequest:
        if provider:
            _require_client(provider)
        params = served.with_pushed_params(self.request.GET.dict())
        return read_request(self.request, params, provider or None)

    def _show(
        self, authorization: AuthorizationRequest, form: PersonForm, person: Any, status: int = 200
    ) -> HttpResponse:
        titles = [configured_client(name).title for name in authorization.names]
        scopes = authorization.params.get("scope", "")
        facts = [
            ("Client ID", authorization.params["client_id"]),
            ("Returns to", authorization.params["redirect_uri"]),
            *([("Scopes", scopes)] if scopes else []),
        ]
        notes = ["You have signed out here."] if person.get("is_signed_out") else []
        fake = self._fake()
        if not fake.sends_email(authorization.params):
            scope = fake.email_scopes[0]
            notes.append(
                f"The client has not asked for the scope {scope}, so it gets no e-mail address."
            )
        context = {
            "provider": " or ".join(titles),
            "facts": facts,
            "form": form,
            "note": " ".join(notes),
        }
        return self.page("authorize.html", status, **context)

    def _redirect(
        self,
        authorization: AuthorizationRequest,
        claims: Any,
        *,
        error: str = "",
        trouble: Trouble | None = None,
    ) -> HttpResponse:
        response = self._fake().authorize(authorization.params, claims, error)
        if authorization.description:
            description = {"error_description": authorization.description}
            response = replace(response, params={**response.params, **description})
        if trouble and "code" in response.params:
            served.remember(response.params["code"], trouble)
        if response.method == "POST":
            context = {"action": response.redirect_uri, "parameters": response.params.items()}
            return self.page("form_post.html", **context)
        return _redirect(response.url)


class SignOutPage(Page):
    """The end_session_endpoint (OpenID Connect RP-Initiated Logout 1.0)."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Sign out at once if the site names itself, else ask."""
        names, uri = self._read()
        is_known = bool(request.GET.get("id_token_hint") and names)
        if not is_known:
            return self.page("sign_out.html", provider="the fake provider")
        return self._sign_out(uri)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Sign out."""
        _, uri = self._read()
        return self._sign_out(uri)

    def _read(self) -> tuple[list[str], str]:
        """Return the providers with the client, and the URI to which it wants to return.

        :raises InvalidRequest: the client or the URI is unknown.
        """
        params = self.request.GET
        client_id = params.get("client_id") or _audience(params.get("id_token_hint", ""))
        names = names_of(client_id)
        if client_id and not names:
            raise InvalidRequest(
                "The client is unknown",
                "It is not a client ID in the settings of this project.",
                {"client_id": client_id},
            )
        uri = params.get("post_logout_redirect_uri", "")
        if uri and not names:
            raise InvalidRequest(
                "The client is missing",
                "A post_logout_redirect_uri needs an id_token_hint or a client_id.",
            )
        if uri and not may_return_after_logout(uri, names, self.request):
            raise InvalidRequest(
                "The post_logout_redirect_uri is not allowed",
                "It is not in ALLOWED_LOGOUT_REDIRECT_URIS. The whole text is compared.",
                {"post_logout_redirect_uri": uri},
            )
        return names, uri

    def _sign_out(self, uri: str) -> HttpResponse:
        person = {**pages.load_person(self.request), "is_signed_out": True}
        if uri:
            state = self.request.GET.get("state")
            url = uri if state is None else with_parameters(uri, {"state": state})
            response = _redirect(url)
        else:
            response = self.page("sign_out.html", is_signed_out=True)
        pages.remember(response, person, self.request, self.path)
        return response


class PageFile(View):
    """The style sheet, the script and the icon of the pages."""

    def get(self, request: HttpRequest, name: str, **kwargs: Any) -> HttpResponse:
        """Return a file."""
        content = (pages.DIRECTORY / name).read_bytes()
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return HttpResponse(content, headers=headers, content_type=f"{_FILES[name]}; charset=utf-8")


@method_decorator(csrf_exempt, name="dispatch")
class Endpoint(Mounted):
    """An endpoint of the issuer of all clients, for servers and apps."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the response of the fake."""
        message = provider_request(request, f"{self.issuer}/{kwargs['endpoint']}")
        fake = served.issuer(self.issuer)
        if kwargs["endpoint"] == "userinfo":
            fake = served.holder(message) or fake
        return to_django(served.respond(fake, message))


@method_decorator(csrf_exempt, name="dispatch")
class ForwardedRequest(View):
    """A request of the project to a provider that the fake stands in for."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the response of the fake."""
        try:
            fake = _find_fake(kwargs["provider"])
        except InvalidRequest as error:
            content = {"error": "invalid_request", "error_description": error.description}
            return to_django(ProviderResponse(404, content))
        url = f"{kwargs['scheme']}://{quote(kwargs['rest'], safe='/:@!$&()*+,;=~[]')}"
        return to_django(served.respond(fake, provider_request(request, url)))


class UnknownPage(Page):
    """Every other URL below that of the start page."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return a 404 page that links to the start page."""
        problem = {
            "error": "There is nothing at this address",
            "description": "Correct the address, or go to the start page.",
        }
        return self.page("problem.html", 404, problem=problem)


def _require_client(provider: str) -> None:
    _find_fake(provider)
    if problem := configured_client(provider).problem:
        raise InvalidRequest("The provider has no client", problem)


def _find_fake(provider: str) -> FakeProvider:
    try:
        return served.provider(provider)
    except ProviderNotSupported as error:
        description = f"{provider!r} is not in AUTHENTICATION_BACKENDS of this project."
        raise InvalidRequest("The provider is not configured", description) from error
    except (ProviderNotFakeable, ImproperlyConfigured) as error:
        raise InvalidRequest("There is no fake for this provider", str(error)) from error


def _audience(id_token: str) -> str:
    """Return the client of an ID token. It is only a hint, so it need not be valid."""
    try:
        audience = jwt.decode(id_token, options={"verify_signature": False}).get("aud", "")
    except jwt.PyJWTError:
        return ""
    return str(audience[0] if isinstance(audience, list) and audience else audience)


def _redirect(url: str) -> HttpResponse:
    """Return a redirect that a browser follows with GET.

    HttpResponseRedirect refuses the private-use schemes of native apps (RFC 8252 section 7.1).
    """
    return HttpResponse(status=303, headers={**pages.HEADERS, "Location": iri_to_uri(url)})


def provider_request(request: HttpRequest, url: str) -> ProviderRequest:
    """Return a request in the form that a fake understands.

    :param url: the URL without its query.
    """
    query = request.META.get("QUERY_STRING", "")
    headers = {name: each for name, each in request.headers.items() if name != "Cookie"}
    full_url = f"{url}?{query}" if query else url
    return ProviderRequest(str(request.method), full_url, headers, request.body)


def to_django(response: ProviderResponse) -> HttpResponse:
    """Return the response of a fake as one of Django."""
    headers = dict(response.all_headers)
    return HttpResponse(response.body, status=int(response.status), headers=headers)


def only_fake_provider(get_response: Any) -> Any:
    """Serve only the fake provider. The middleware of the command ``fake_provider``."""

    def middleware(request: HttpRequest) -> Any:
        request.get_host()  # Refuses names of other sites (DNS rebinding).
        request.urlconf = "social_endpoints.testing.urls"
        return get_response(request)

    return middleware
