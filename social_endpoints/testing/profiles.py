"""The profiles of vendors: what their APIs return about a person.

The claims of OpenID Connect are translated into the fields that social-core's backends read. Most
vendors have a flat object, so :func:`flat_profile` has the usual names of each claim. The table
:data:`VENDORS` has the vendors whose responses are nested, or need more than a profile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from social_endpoints.testing.claims import Claims
from social_endpoints.testing.messages import ProviderRequest, ProviderResponse

# Names of each claim in the flat profiles of vendors.
_NAMES = {
    "sub": "id uid user_id userId UserId ID iden uuid gid account_id accountId phid CharacterID"
    " encodedId permanent_id oauth_user_id profile_id metabrainz_user_id openid orcid"
    " membership_id stripe_user_id taobao_user_id",
    "preferred_username": "username login nickname NickName nick screen_name screenname handle"
    " userName user_name LoginId chatwork_id slug voperson_id taobao_user_nick domain",
    "email": "mail emailAddress Email primaryEmail primary_email default_email login_mail upn",
    "name": "fullname full_name fullName FullName displayName display_name DisplayName"
    " printableName real_name realName CharacterName",
    "given_name": "first_name firstName FirstName firstname givenName",
    "family_name": "last_name lastName LastName lastname surname",
    "picture": "avatar_url avatarUrl profile_image_url image_url_75x75 mugshot_url",
}


def flat_profile(claims: Claims) -> dict[str, Any]:
    """Return the claims under all usual names, together with the claims themselves."""
    profile: dict[str, Any] = {}
    for claim, names in _NAMES.items():
        if claim in claims:
            profile.update(dict.fromkeys(names.split(), claims[claim]))
    if "email" in claims:
        profile["emails"] = [
            {"value": claims["email"], "email": claims["email"], "primary": True, "verified": True}
        ]
    return {**profile, **claims}


Profile = Callable[[Claims, ProviderRequest], Any]


@dataclass(frozen=True)
class Vendor:
    """The peculiarities of a vendor.

    :param profile: returns the content of the response to a request for a profile, or a
        :class:`ProviderResponse`.
    :param token: returns additional fields of the token response.
    :param callback: returns additional parameters of the callback.
    :param token_format: writes the token response.
    :param access_token_prefix: returns the text that each access token begins with.
    :param email_scopes: the vendor sends the e-mail address only if the client has asked for one of
        these scopes. Empty if it needs no scope, or if other settings of the vendor decide as well.
    """

    profile: Profile = lambda claims, request: flat_profile(claims)
    token: Callable[[Claims], dict[str, Any]] = lambda claims: {}
    callback: Callable[[dict[str, str], Claims], dict[str, str]] = lambda params, claims: {}
    token_format: Callable[[dict[str, Any]], Any] = field(default=lambda content: content)
    access_token_prefix: Callable[[Claims], str] = lambda claims: ""
    email_scopes: tuple[str, ...] = ()


def _nested(*path: str) -> Profile:
    """Return a function that puts the flat profile below keys."""

    def profile(claims: Claims, request: ProviderRequest) -> Any:
        content: Any = flat_profile(claims)
        for key in reversed(path):
            content = [content] if key == "[]" else {key: content}
        return content

    return profile


def numeric_sub(claims: Claims) -> Any:
    """Return ``sub`` as the number that some vendors send, if it is one."""
    sub = str(claims.get("sub", ""))
    return int(sub) if sub.isascii() and sub.isdigit() else sub


def _value(claims: Claims, *names: str) -> str:
    """Return the first claim that is present, or an empty string."""
    return next((str(claims[name]) for name in names if claims.get(name)), "")


def _github(claims: Claims, request: ProviderRequest) -> Any:
    if request.path.endswith("/emails"):
        is_verified = bool(claims.get("email_verified"))
        email = {"email": claims.get("email"), "primary": True, "verified": is_verified}
        return [{**email, "visibility": "private"}] if "email" in claims else []
    if "/members/" in request.path or "/memberships/" in request.path:
        return ProviderResponse(204)
    return {
        **claims,
        "id": numeric_sub(claims),
        "login": claims.get("preferred_username"),
        "name": claims.get("name"),
        "email": claims.get("email"),
        "avatar_url": claims.get("picture"),
        "type": "User",
    }


def _gitlab(claims: Claims, request: ProviderRequest) -> Any:
    username = claims.get("preferred_username")
    if request.path.rstrip("/").endswith("/groups"):
        return claims.get("groups", [])
    person = {"id": numeric_sub(claims), "username": username, "state": "active"}
    return {**claims, **person, "avatar_url": claims.get("picture")}


def _facebook(claims: Claims, request: ProviderRequest) -> Any:
    names = {"first_name": claims.get("given_name"), "last_name": claims.get("family_name")}
    profile = {"id": claims.get("sub"), **_select(claims, "name", "email"), **names}
    extra = {name: value for name, value in claims.items() if name not in _STANDARD}
    return {**extra, **{name: each for name, each in profile.items() if each is not None}}


_STANDARD = frozenset([*_NAMES, "email_verified", "locale"])


def _select(claims: Claims, *names: str) -> dict[str, Any]:
    return {name: claims[name] for name in names if name in claims}


def _discord(claims: Claims, request: ProviderRequest) -> Any:
    return {
        **claims,
        "id": claims.get("sub"),
        "username": claims.get("preferred_username"),
        "global_name": claims.get("name"),
        "email": claims.get("email"),
        "verified": bool(claims.get("email_verified")),
        "avatar": None,
        "discriminator": "0",
    }


def _microsoft_graph(claims: Claims, request: ProviderRequest) -> Any:
    return {
        **claims,
        "id": claims.get("sub"),
        "mail": claims.get("email"),
        "userPrincipalName": _value(claims, "email", "preferred_username", "sub"),
        "displayName": claims.get("name"),
        "givenName": claims.get("given_name"),
        "surname": claims.get("family_name"),
    }


def _linkedin(claims: Claims, request: ProviderRequest) -> Any:
    if "email" in request.path.lower():
        handle = {"handle~": {"emailAddress": claims.get("email")}}
        return {"elements": [handle] if "email" in claims else []}

    def localized(claim: str) -> dict[str, Any]:
        locale = {"language": "en", "country": "US"}
        return {"localized": {"en_US": claims.get(claim)}, "preferredLocale": locale}

    names = {"firstName": localized("given_name"), "lastName": localized("family_name")}
    return {**claims, "id": claims.get("sub"), **names}


def _slack(claims: Claims, request: ProviderRequest) -> Any:
    user = {"id": claims.get("sub"), **_select(claims, "name", "email")}
    team = {"id": claims.get("https://slack.com/team_id", "T012AB3C4")}
    return {"ok": True, "user": user, "team": team}


def _atlassian(claims: Claims, request: ProviderRequest) -> Any:
    if request.path.endswith("accessible-resources"):
        return [{"id": "1324a887-45db-1bf4-1e99-ef0ff456d421", "name": "Site"}]
    return flat_profile(claims)


def _bitbucket(claims: Claims, request: ProviderRequest) -> Any:
    if not request.path.endswith("/emails"):
        profile = flat_profile(claims)
        return {**profile, "uuid": claims.get("sub")}
    is_verified = bool(claims.get("email_verified"))
    email = {"email": claims.get("email"), "is_confirmed": is_verified, "is_primary": True}
    return {"values": [email] if "email" in claims else []}


def _bitbucket_datacenter(claims: Claims, request: ProviderRequest) -> Any:
    username = _value(claims, "preferred_username", "sub")
    profile = {**flat_profile(claims), "name": username, "slug": username, "active": True}
    content = {
        **profile,
        "type": "NORMAL",
        "avatarUrl": claims.get("picture", ""),
        "emailAddress": claims.get("email", ""),
        "links": {"self": [{"href": f"https://bitbucket.example.com/users/{quote(username)}"}]},
    }
    return ProviderResponse(200, content, {"X-AUSERNAME": quote(username)})


def _clever(claims: Claims, request: ProviderRequest) -> Any:
    name = {"first": claims.get("given_name"), "last": claims.get("family_name")}
    username = _value(claims, "preferred_username")
    roles = {"student": {"credentials": {"district_username": username}}}
    return {"data": {**flat_profile(claims), "name": name, "roles": roles}}


def _digitalocean(claims: Claims, request: ProviderRequest) -> Any:
    return {"account": flat_profile(claims), **_select(claims, "name")}


def _dropbox(claims: Claims, request: ProviderRequest) -> Any:
    name = {
        "display_name": claims.get("name"),
        "given_name": claims.get("given_name"),
        "surname": claims.get("family_name"),
    }
    return {**flat_profile(claims), "name": name}


def _foursquare(claims: Claims, request: ProviderRequest) -> Any:
    contact = {"email": claims.get("email", "")}
    return {"response": {"user": {**flat_profile(claims), "contact": contact}}}


def _kakao(claims: Claims, request: ProviderRequest) -> Any:
    account = {"email": claims.get("email", ""), "has_email": "email" in claims}
    nickname = _value(claims, "name", "preferred_username")
    return {
        "id": numeric_sub(claims),
        "properties": {"nickname": nickname},
        "kakao_account": account,
    }


def _loginradius(claims: Claims, request: ProviderRequest) -> Any:
    emails = [{"Type": "Primary", "Value": claims.get("email")}]
    return {**flat_profile(claims), "Email": emails, "Provider": "facebook"}


def _mailchimp(claims: Claims, request: ProviderRequest) -> Any:
    login = {"login_id": numeric_sub(claims), "login_name": _value(claims, "preferred_username")}
    return {"user_id": 1, "login": {**login, "email": claims.get("email", "")}}


def _openstreetmap(claims: Claims, request: ProviderRequest) -> Any:
    user = {"id": numeric_sub(claims), "display_name": claims.get("preferred_username")}
    return {"user": {**user, "account_created": "2012-09-04T11:52:13Z"}}


def _orcid(claims: Claims, request: ProviderRequest) -> Any:
    if request.path.endswith("/userinfo"):
        return dict(claims)
    names = {
        "given-names": {"value": claims.get("given_name")},
        "family-name": {"value": claims.get("family_name")},
    }
    emails = [{"email": claims["email"], "primary": True}] if "email" in claims else []
    person = {"name": names, "emails": {"email": emails}}
    return {"orcid-identifier": {"path": claims.get("sub")}, "person": person}


def _podio(claims: Claims, request: ProviderRequest) -> Any:
    user = {"user_id": numeric_sub(claims), "mail": claims.get("email", "")}
    reference = {"type": "user", "id": numeric_sub(claims)}
    return {"user": user, "profile": flat_profile(claims), "ref": reference}


def _qq(claims: Claims, request: ProviderRequest) -> Any:
    if request.path.endswith("/me"):
        openid = f'"openid":"{claims.get("sub")}"'
        return f'callback( {{"client_id":"{request.params.get("client_id", "")}",{openid}}} );\n'
    return {"ret": 0, "nickname": _value(claims, "name", "preferred_username")}


def _stackoverflow(claims: Claims, request: ProviderRequest) -> Any:
    username = quote(_value(claims, "preferred_username", "sub"))
    link = f"https://stackoverflow.com/users/{claims.get('sub')}/{username}"
    return {"items": [{**flat_profile(claims), "user_id": numeric_sub(claims), "link": link}]}


def _untappd(claims: Claims, request: ProviderRequest) -> Any:
    settings = {"email_address": claims.get("email", "")}
    return {"response": {"user": {**flat_profile(claims), "settings": settings}}}


def _yammer_user(claims: Claims) -> dict[str, Any]:
    profile = flat_profile(claims)
    contact = {"email_addresses": [{"address": claims.get("email", "")}]}
    username = _value(claims, "preferred_username", "sub")
    names = dict.fromkeys(("full_name", "first_name", "last_name", "mugshot_url"))
    return {**names, **profile, "id": claims.get("sub"), "name": username, "contact": contact}


def _yandex(claims: Claims, request: ProviderRequest) -> Any:
    profile = flat_profile(claims)
    profile["emails"] = [claims["email"]] if "email" in claims else []
    return {**profile, "display_name": claims.get("preferred_username")}


def _salesforce_id(claims: Claims) -> str:
    return f"https://login.salesforce.com/id/00D{claims.get('sub')}/{claims.get('sub')}"


def _salesforce(claims: Claims, request: ProviderRequest) -> Any:
    return {**flat_profile(claims), "id": _salesforce_id(claims)}


def _with(**fields: Callable[[Claims], Any]) -> Profile:
    """Return a function that replaces fields of the flat profile."""

    def profile(claims: Claims, request: ProviderRequest) -> Any:
        return {**flat_profile(claims), **{name: get(claims) for name, get in fields.items()}}

    return profile


def _sub(claims: Claims) -> Any:
    return claims.get("sub")


def _username(claims: Claims) -> Any:
    return _value(claims, "preferred_username", "sub")


def _email(claims: Claims) -> str:
    return _value(claims, "email")


def _fields(**fields: Callable[[Claims], Any]) -> Callable[[Claims], dict[str, Any]]:
    """Return a function that returns fields of a token response."""
    return lambda claims: {name: get(claims) for name, get in fields.items()}


def _form(content: dict[str, Any]) -> str:
    """Write a token response as a form."""
    return urlencode({name: value for name, value in content.items() if value is not None})


def _qiita_token(content: dict[str, Any]) -> dict[str, Any]:
    return {"token": content["access_token"], **content}


_DATA = Vendor(_nested("data"))
_USER = Vendor(_nested("user"))

VENDORS: dict[str, Vendor] = {
    "apple-id": Vendor(email_scopes=("email",)),
    "angel": Vendor(_with(angellist_url=lambda claims: f"https://angel.co/{_username(claims)}")),
    "asana": _DATA,
    "atlassian": Vendor(_atlassian),
    "bitbucket-oauth2": Vendor(_bitbucket),
    "bitbucket-datacenter-oauth2": Vendor(_bitbucket_datacenter),
    "box": Vendor(_with(login=_email)),
    "bungie": Vendor(
        lambda claims, request: {"Response": {"user": {"displayName": _username(claims)}}},
        _fields(membership_id=_sub),
    ),
    "clever": Vendor(_clever),
    "coding": Vendor(lambda claims, request: {"code": 0, "data": flat_profile(claims)}),
    "coinbase": _DATA,
    "coursera": Vendor(lambda claims, request: {"elements": [{"id": _sub(claims)}]}),
    "deezer": Vendor(_with(name=_username), token_format=_form),
    "digitalocean": Vendor(_digitalocean),
    "discord": Vendor(_discord, email_scopes=("email",)),
    "disqus": Vendor(_nested("response")),
    "drip": Vendor(_nested("users", "[]")),
    "dropbox-oauth2": Vendor(_dropbox),
    "etsy": Vendor(
        _with(primary_email=_email), access_token_prefix=lambda claims: f"{_sub(claims)}."
    ),
    "eveonline": Vendor(_with(CharacterOwnerHash=lambda claims: f"owner-{_sub(claims)}")),
    "facebook": Vendor(_facebook, email_scopes=("email",)),
    "fitbit": _USER,
    "foursquare": Vendor(_foursquare),
    "github": Vendor(_github),
    "gitlab": Vendor(_gitlab),
    "goclio": _USER,
    "google-oauth2": Vendor(
        email_scopes=("email", "https://www.googleapis.com/auth/userinfo.email")
    ),
    "hubspot": Vendor(_with(user=_email, hub_id=lambda claims: 1, user_id=_sub)),
    "kakao": Vendor(_kakao),
    "kick": Vendor(_nested("data", "[]")),
    "linkedin-oauth2": Vendor(_linkedin, email_scopes=("r_emailaddress",)),
    "loginradius": Vendor(
        _loginradius, callback=lambda params, claims: {"token": params.get("code", "")}
    ),
    "mailchimp": Vendor(_mailchimp),
    "mailru-oauth2": Vendor(_nested("[]")),
    "mendeley-oauth2": Vendor(
        _with(link=lambda claims: f"https://www.mendeley.com/profiles/{_sub(claims)}/")
    ),
    "microsoft-graph": Vendor(_microsoft_graph),
    "mixcloud": Vendor(_with(username=_sub)),
    "monzo": Vendor(
        lambda claims, request: {"accounts": [{"description": _value(claims, "name")}]},
        _fields(user_id=_sub),
    ),
    "musicbrainz": Vendor(_with(sub=_username)),
    "nationbuilder": Vendor(_nested("person")),
    "naver": Vendor(_nested("response")),
    "openshift": Vendor(
        lambda claims, request: {"metadata": {"name": _email(claims), "uid": _sub(claims)}}
    ),
    "openstreetmap-oauth2": Vendor(_openstreetmap),
    "orcid": Vendor(_orcid, _fields(orcid=_sub)),
    "patreon": Vendor(
        lambda claims, request: {"data": {"id": _sub(claims), "attributes": flat_profile(claims)}}
    ),
    "pinterest": Vendor(
        lambda claims, request: {
            "data": {**flat_profile(claims), "url": f"https://pinterest.com/{_username(claims)}/"}
        }
    ),
    "podio": Vendor(_podio),
    "qiita": Vendor(_with(id=_sub), token_format=_qiita_token),
    "qq": Vendor(_qq, token_format=_form),
    "quizlet": Vendor(token=_fields(user_id=_sub)),
    "reddit": Vendor(_with(name=_username)),
    "salesforce-oauth2": Vendor(_salesforce, _fields(id=_salesforce_id)),
    "slack": Vendor(_slack),
    "spotify": Vendor(email_scopes=("user-read-email",)),
    "stackoverflow": Vendor(_stackoverflow, token_format=_form),
    "stocktwits": _USER,
    "strava": Vendor(token=lambda claims: {"athlete": flat_profile(claims)}),
    "stripe": Vendor(token=_fields(stripe_user_id=_sub)),
    "surveymonkey": Vendor(token=_fields(access_url=lambda claims: "https://api.surveymonkey.com")),
    "taobao": Vendor(token=_fields(taobao_user_id=_sub, taobao_user_nick=_username)),
    "twitch": Vendor(_nested("data", "[]"), email_scopes=("user:read:email",)),
    "twitter-oauth2": Vendor(_nested("data"), email_scopes=("users.email",)),
    "universe": Vendor(_nested("current_user")),
    "untappd": Vendor(_untappd, token_format=lambda content: {"response": content}),
    "vend": Vendor(
        _nested("users", "[]"), callback=lambda params, claims: {"domain_prefix": "shop"}
    ),
    "vimeo-oauth2": Vendor(
        token=lambda claims: {"user": {"uri": f"/users/{_sub(claims)}", **_select(claims, "name")}}
    ),
    "vk-oauth2": Vendor(_nested("response", "[]"), _fields(email=_email)),
    "vk-id": Vendor(_nested("user"), callback=lambda params, claims: {"device_id": "device"}),
    "weibo": Vendor(
        _with(name=_username, screen_name=lambda claims: claims.get("name")), _fields(uid=_sub)
    ),
    "weixin": Vendor(token=_fields(openid=_sub)),
    "yammer": Vendor(token=lambda claims: {"user": _yammer_user(claims)}),
    "yandex-oauth2": Vendor(_yandex),
    "yaru": Vendor(_yandex),
}


OPENID_VENDORS: dict[str, Vendor] = {
    "cas": Vendor(lambda claims, request: {"sub": _sub(claims), "attributes": dict(claims)}),
    "fence": Vendor(lambda claims, request: {**claims, "username": _email(claims)}),
    "twitch": Vendor(lambda claims, request: dict(claims), email_scopes=("user:read:email",)),
}
"""Vendors whose UserInfo response is not simply the claims, or that have other scopes."""

OPENID_EMAIL_SCOPES = ("email",)
"""OpenID Connect Core section 5.4."""


def find_vendor(backend_class: type[Any], *, is_openid: bool) -> Vendor:
    """Return the vendor of a backend class or of the classes that it is derived from."""
    table = OPENID_VENDORS if is_openid else VENDORS
    names = (vars(base).get("name", "") for base in backend_class.__mro__)
    vendors = (table[name] for name in names if name in table)
    default = Vendor()
    if is_openid:
        default = Vendor(lambda claims, request: dict(claims), email_scopes=OPENID_EMAIL_SCOPES)
    return next(vendors, default)
