# myproject/accounts/management/commands/from_allauth.py
"""Copy the social accounts of django-allauth to the table of python-social-auth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router, transaction
from social_core.backends.oauth import BaseOAuth1
from social_core.backends.utils import load_backends
from social_django.utils import load_strategy

# For each provider of allauth: the backends that can take its accounts, best first, and the ID_KEY
# with which the uid of the backend is the uid of allauth.
BACKENDS: dict[str, dict[str, str]] = {
    "amazon": {"amazon": "user_id"},
    "amazon_cognito": {"cognito": "sub"},
    "apple": {"apple-id": "sub"},
    "auth0": {"auth0_openidconnect": "sub", "auth0": "user_id"},
    "bitbucket_oauth2": {"bitbucket-oauth2": "account_id"},
    "discord": {"discord": "id"},
    "dropbox": {"dropbox-oauth2": "account_id"},
    "facebook": {"facebook": "id"},
    "github": {"github": "id"},
    "gitlab": {"gitlab": "id"},
    "google": {"google-oauth2": "sub", "google-openidconnect": "sub", "google-onetap": "sub"},
    "kakao": {"kakao": "id"},
    "line": {"line": "userId"},
    "linkedin_oauth2": {"linkedin-oauth2": "id"},
    "microsoft": {
        "microsoft-graph": "id",
        "azuread-v2-tenant-oauth2": "oid",
        "azuread-oauth2-v2": "oid",
    },
    "naver": {"naver": "id"},
    "okta": {"okta-openidconnect": "sub", "okta-oauth2": "sub"},
    "reddit": {"reddit": "name"},
    "slack": {"slack": "id", "slack-openidconnect": "sub"},
    "spotify": {"spotify": "id"},
    "steam": {"steam": "id"},
    "strava": {"strava": "id"},
    "telegram": {"telegram": "id"},
    "twitch": {"twitch": "id"},
    "twitter": {"twitter": "id"},
    "twitter_oauth2": {"twitter-oauth2": "id"},
    "yahoo": {"yahoo-oauth2": "sub"},
    "yandex": {"yandex-oauth2": "id"},
    "zoom": {"zoom-oauth2": "id"},
}

# ID_KEYs that have the same value, by backend.
SAME_KEY = {("auth0", "user_id"): "sub", ("twitch", "sub"): "id"}

# Microsoft Graph shows the object id of a work account, and another number for a personal account.
OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# Marks the copied rows in extra_data, for --undo.
MARK = "from_allauth"

CREATED, PRESENT, TAKEN = "copied", "already there", "belongs to another user"
NO_BACKEND, NO_UID = "no backend", "no uid"


class Target:
    """The backend that takes the accounts of one provider of allauth."""

    def __init__(self, provider: str, backend: Any, same_as: str, idp: str = "") -> None:
        self.backend, self.idp = backend, idp
        self.id_key = backend.id_key()
        # An app with a provider_id can be of any type, for example a second app of GitHub.
        for app in get_adapter().list_apps(None, provider=provider):
            same_as = BACKENDS.get(app.provider, {}).get(backend.name, same_as)
            same_as = app.settings.get("uid_field", same_as)
        self.same_as = same_as

    def find_uid(self, account: SocialAccount) -> str | None:
        """Return the uid that the backend computes for the person, or None if it is unknown."""
        if self.idp:
            return f"{self.idp}:{account.uid}"
        if account.provider == "slack":  # allauth stores the workspace and the user.
            return account.uid.rpartition("_")[2]
        key = self._unify(self.id_key)
        if key == self._unify(self.same_as):
            is_valid = key != "oid" or OBJECT_ID.fullmatch(account.uid)
            return account.uid if is_valid else None
        value = read_claims(account.extra_data).get(key)
        return str(value) if isinstance(value, str | int) and value != "" else None

    def _unify(self, key: str) -> str:
        return SAME_KEY.get((self.backend.name, key), key)


def read_claims(extra_data: Any) -> Mapping[str, Any]:
    """Return what the provider has sent. Newer versions of allauth nest it for OpenID Connect."""
    if not isinstance(extra_data, Mapping):
        return {}
    return extra_data.get("userinfo") or extra_data.get("id_token") or extra_data


class Command(BaseCommand):
    help = "Copy allauth's social accounts to python-social-auth. It can be repeated at any time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument("--undo", action="store_true", help="delete the copied rows")
        parser.add_argument("--tokens", action="store_true", help="also copy the provider's tokens")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="PROVIDER=BACKEND",
            help="provider id of an OpenID Connect app, or PROVIDER=saml:NAME for an IdP",
        )
        parser.add_argument("--batch-size", type=int, default=1000)

    def handle(self, *args: Any, **options: Any) -> None:
        self.strategy = load_strategy()
        self.model = self.strategy.storage.user
        self.using = router.db_for_write(self.model)
        self.dry_run = options["dry_run"]
        if options["undo"]:
            self.undo(options["batch_size"])
            return
        self.backends = load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
        self.targets: dict[str, Target | None] = {}
        for entry in options["map"]:
            provider, _, name = entry.rpartition("=")
            name, _, idp = name.partition(":")
            self.targets[provider] = target = self.load(provider, {name: "sub"}, idp)
            if target is None:
                raise CommandError(f"{name!r} is not the name of a backend in your settings.")
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.examples: dict[tuple[str, str, str], list[Any]] = {}
        for accounts in self.batches(options["batch_size"]):
            for account in accounts:
                if account.provider not in self.targets:
                    names = BACKENDS.get(account.provider, {})
                    self.targets[account.provider] = self.load(account.provider, names)
            with transaction.atomic(using=self.using):
                self.copy(accounts, options["tokens"])
        self.report()
        for provider in self.targets.keys() - {key[0] for key in self.counts}:
            self.stdout.write(f"{provider}: no SocialAccount has this provider")

    def load(self, provider: str, names: dict[str, str], idp: str = "") -> Target | None:
        """Return the first of some backends that is in the settings."""
        for name, same_as in names.items():
            if name in self.backends:
                return Target(provider, self.backends[name](self.strategy), same_as, idp)
        return None

    def batches(self, size: int) -> Iterator[list[SocialAccount]]:
        """Yield the accounts in the order of their primary keys."""
        last = None
        while True:
            accounts = SocialAccount.objects.order_by("pk")
            if last is not None:
                accounts = accounts.filter(pk__gt=last)
            batch = list(accounts[:size])
            if not batch:
                return
            yield batch
            last = batch[-1].pk

    def copy(self, accounts: list[SocialAccount], with_tokens: bool) -> None:
        """Copy one batch."""
        tokens = self.read_tokens(accounts) if with_tokens else {}
        rows: list[tuple[SocialAccount, Any]] = []
        for account in accounts:
            target = self.targets[account.provider]
            uid = target.find_uid(account) if target else None
            if target is None or uid is None:
                self.count(account, NO_UID if target else NO_BACKEND)
                continue
            data = {MARK: account.pk, "auth_time": int(account.last_login.timestamp())}
            if account.pk in tokens:
                data |= describe_token(tokens[account.pk], target.backend)
            row = self.model(
                user_id=account.user_id,
                provider=target.backend.name,
                id_key=target.id_key,
                uid=uid,
                extra_data=data,
            )
            rows.append((account, row))
        owners = self.read_owners(row for _, row in rows)
        new = []
        for account, row in rows:
            if (row.provider, row.uid) not in owners:
                owners[row.provider, row.uid] = row.user_id
                new.append((account, row))
                continue
            is_same = owners[row.provider, row.uid] == row.user_id
            self.count(account, PRESENT if is_same else TAKEN)
        if not self.dry_run:
            # A login of the same person can be simultaneous.
            new_rows = [row for _, row in new]
            self.model.objects.using(self.using).bulk_create(new_rows, ignore_conflicts=True)
            owners = self.read_owners(new_rows)
        for account, row in new:
            is_stored = owners.get((row.provider, row.uid)) == row.user_id
            self.count(account, CREATED if is_stored else TAKEN)

    def read_tokens(self, accounts: list[SocialAccount]) -> dict[Any, SocialToken]:
        stored = SocialToken.objects.filter(account__in=accounts).order_by("pk")
        return {token.account_id: token for token in stored}

    def read_owners(self, rows: Iterator[Any] | list[Any]) -> dict[tuple[str, str], Any]:
        """Return the users of the rows that exist with these uids."""
        uids = {row.uid for row in rows}
        stored = self.model.objects.using(self.using).filter(uid__in=uids)
        values = stored.values_list("provider", "uid", "user_id")
        return {(provider, uid): user_id for provider, uid, user_id in values}

    def count(self, account: SocialAccount, outcome: str) -> None:
        target = self.targets[account.provider]
        key = (account.provider, target.backend.name if target else "-", outcome)
        self.counts[key] += 1
        self.examples.setdefault(key, [])
        if outcome in {TAKEN, NO_BACKEND, NO_UID} and len(self.examples[key]) < 10:
            self.examples[key].append(account.pk)

    def report(self) -> None:
        for (provider, backend, outcome), count in sorted(self.counts.items()):
            text = f"to be {outcome}" if self.dry_run and outcome == CREATED else outcome
            keys = ", ".join(map(str, self.examples[provider, backend, outcome]))
            suffix = f" (SocialAccount {keys})" if keys else ""
            self.stdout.write(f"{provider} -> {backend}: {count} {text}{suffix}")

    def undo(self, size: int) -> None:
        """Delete the rows that this command has made, with the changes since then."""
        rows = self.model.objects.using(self.using).filter(extra_data__has_key=MARK)
        if self.dry_run:
            self.stdout.write(f"{rows.count()} to be deleted")
            return
        count = 0
        while keys := list(rows.values_list("pk", flat=True)[:size]):
            count += self.model.objects.using(self.using).filter(pk__in=keys).delete()[0]
        self.stdout.write(f"{count} deleted")


def describe_token(token: SocialToken, backend: Any) -> dict[str, Any]:
    """Return a token of allauth as python-social-auth stores it in ``extra_data``."""
    if isinstance(backend, BaseOAuth1):
        pair = {"oauth_token": token.token, "oauth_token_secret": token.token_secret}
        return {"access_token": pair}
    data: dict[str, Any] = {"access_token": token.token}
    if token.token_secret:
        data["refresh_token"] = token.token_secret
    if token.expires_at:
        data["expires"] = int(token.expires_at.timestamp())
    return data
