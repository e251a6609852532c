"""The breakages: what is removed, how, and which tests hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "social_endpoints"

ACCOUNTS = "tests/api/accounts/"
LOGIN = "tests/api/login/"
CONNECTIONS = "tests/api/connections/"
STATE = "tests/api/connections/test_token_state.py::"
NATIVE = "tests/api/native/"
NETWORK = "tests/api/network/"
PROTOCOLS = "tests/api/protocols/"
TOKENS = "tests/api/tokens/"
PROVIDER_TOKENS = "tests/api/provider_tokens/"
PROVIDER_AUTH = f"{PROVIDER_TOKENS}test_provider_auth.py::"
ACCESS_TOKEN = f"{PROVIDER_TOKENS}test_access_token.py::"
REFRESH_ERRORS = f"{PROVIDER_TOKENS}test_refresh_errors.py::"
REFRESHED_ID_TOKEN = f"{PROVIDER_TOKENS}test_refreshed_id_token.py::"
PROVIDER_LOGOUT = "tests/api/signing_out/test_provider_logout.py::"
BACKCHANNEL = "tests/api/signing_out/test_backchannel_logout.py::"
REFRESH = f"{TOKENS}test_refresh.py::"
CLIENT = "../frontend/client.js"
CLIENT_TESTS = ("tests/frontend/test_client.py::test_node_tests_pass",)


@dataclass(frozen=True)
class Breakage:
    """One property that is removed from the package.

    :param name: what is wrong afterwards.
    :param module: path below the package.
    :param edits: texts, which the module contains exactly once, and their replacements.
    :param tests: node ids of the tests that hold the property.
    """

    name: str
    module: str
    edits: Mapping[str, str]
    tests: tuple[str, ...]

    def apply(self, source: str) -> str:
        """Return the source of the module with the breakage.

        :raises ValueError: the module does not contain each text exactly once.
        """
        for before, after in self.edits.items():
            count = source.count(before)
            if count != 1:
                raise ValueError(f"{self.module} contains its text {count} times")
            source = source.replace(before, after)
        if self.module.endswith(".py"):
            compile(source, self.module, "exec")
        return source


BREAKAGES = (
    # --- Stored tokens ----------------------------------------------------------------
    Breakage(
        "a login replaces a stored refresh token with nothing",
        "internal/backends/extensions/login_tokens.py",
        {"empty = {name for name in names if not data.get(name)}": "empty: set[str] = set()"},
        (f"{STATE}test_second_login_without_a_refresh_token_keeps_the_stored_one",),
    ),
    Breakage(
        "a login restores a refresh token that another process has replaced",
        "internal/backends/extensions/login_tokens.py",
        {"if any(_stored(social).get(name) for name in empty):": "if False:"},
        (f"{STATE}test_refresh_during_a_login_is_not_undone",),
    ),
    Breakage(
        "a browser adds scopes to the granted ones",
        "internal/backends/extensions/login_tokens.py",
        {"for each in asked if each in as_scopes(granted": "for each in as_scopes(granted"},
        (f"{STATE}test_login_stores_the_expiry_and_the_granted_scopes",),
    ),
    Breakage(
        "the scopes of a token count for another one",
        "internal/connections/token_state.py",
        {' or entry.get("token") != digest(plain.get(_TOKEN))': ""},
        (f"{STATE}test_token_that_other_code_has_stored_has_no_state",),
    ),
    # --- Connecting -------------------------------------------------------------------
    Breakage(
        "a scope that is not listed is asked for",
        "internal/http/serializers.py",
        {"if scope not in allowed:": "if False:"},
        (f"{CONNECTIONS}test_more_access.py::test_scope_that_is_not_listed_is_a_field_error",),
    ),
    Breakage(
        "a scope that is not listed is passed on by the settings of the project",
        "internal/actions/begin.py",
        {'if name != "scope"}': "if True}"},
        (f"{CONNECTIONS}test_more_access.py::test_parameter_that_the_project_passes_on_is_listed",),
    ),
    Breakage(
        "scopes that the user granted at another provider are asked for",
        "internal/connections/stored_tokens.py",
        {
            "get_social_auth_for_user(user, provider)": "get_social_auth_for_user(user)",
            " if social.provider == provider]": "]",
        },
        (f"{CONNECTIONS}test_more_access.py::test_scopes_granted_before_are_asked_for_again",),
    ),
    Breakage(
        "a login takes access away",
        "internal/backends/extensions/more_access.py",
        {'{**data, "access_token": None} if self._keeps_token(pipeline_kwargs) else data': "data"},
        (f"{CONNECTIONS}test_more_access.py::test_login_keeps_the_token_with_more_access",),
    ),
    Breakage(
        "another login is required after something was changed",
        "views/base.py",
        {
            "def check_permissions(self, request: Request) -> None:\n"
            '        """Check the permissions and then': (
                "def get_checked_response(self, request: Any) -> Any:\n"
                '        """Check the permissions and then'
            ),
            "        super().check_permissions(request)\n        if settings.REAUTH": (
                "        response, request = request, self.request\n        if settings.REAUTH"
            ),
            "            return\n        if import_setting(": (
                "            return response\n        if import_setting("
            ),
            "raise RecentLoginRequired(stage=self.stage)": (
                "response = self.handle_exception(RecentLoginRequired(stage=self.stage))\n"
                "            return self.finalize_response(request, response)\n"
                "        return response"
            ),
        },
        (
            f"{CONNECTIONS}test_reauthentication.py::test_completion_is_refused_and_the_connect_stays_open",
            f"{CONNECTIONS}test_reauthentication.py::test_disconnect_is_refused",
        ),
    ),
    Breakage(
        "a callable that returns no bool is a recent login",
        "views/base.py",
        {"(request) is not True": "(request) is False"},
        (f"{CONNECTIONS}test_reauthentication.py::test_only_true_is_a_recent_login",),
    ),
    # --- Refreshing a login -----------------------------------------------------------
    Breakage(
        "a user who is not active gets a new access token",
        "internal/actions/refresh_login.py",
        {"return user if is_active or allowed else None": "return user"},
        (
            f"{REFRESH}test_user_is_read_from_the_primary_database",
            f"{REFRESH}test_user_who_does_not_match_the_filter_is_refused",
        ),
    ),
    Breakage(
        "a replica decides whether a user is active",
        "internal/actions/refresh_login.py",
        {"on_primary(get_user_model()._default_manager)": "get_user_model().objects.all()"},
        (f"{REFRESH}test_user_is_read_from_the_primary_database",),
    ),
    Breakage(
        "another site can refresh a login in cookies",
        "tokens/base.py",
        {"if self.sets_cookies:\n            SessionAuth": "if False:\n            SessionAuth"},
        (
            f"{REFRESH}test_csrf_is_enforced",
            f"{REFRESH}test_cookies_of_a_project_need_a_csrf_token",
        ),
    ),
    Breakage(
        "the slower of two tabs signs the user out",
        "tokens/jwt.py",
        {"return is_blacklisted(token_id, since=": "return not is_blacklisted(token_id, since="},
        (f"{REFRESH}test_refresh_token_is_exchanged_once",),
    ),
    Breakage(
        "a refused refresh token stays in its cookie",
        "views/refresh.py",
        {"self._serializer.delete_cookies(response)": "pass"},
        (f"{REFRESH}test_token_that_is_not_accepted_is_a_401",),
    ),
    Breakage(
        "a user with a changed password stays signed in",
        "tokens/jwt.py",
        {"if config.CHECK_REVOKE_TOKEN:": "if False:"},
        (f"{REFRESH}test_changed_password_ends_the_login_if_simple_jwt_checks_it",),
    ),
    # --- The flow ---------------------------------------------------------------------
    Breakage(
        "the state is not compared",
        "internal/actions/complete.py",
        {"not constant_time_compare(expected, returned)": "False"},
        (f"{LOGIN}test_complete.py::test_wrong_state_is_rejected_and_the_login_stays_open",),
    ),
    Breakage(
        "a login completes without a flow",
        "internal/actions/complete.py",
        {"if flow is None:": "if flow is None and partial_token:"},
        (f"{LOGIN}test_error_body.py::test_completion_without_a_flow_has_the_full_error_body",),
    ),
    Breakage(
        "a flow completes twice",
        "internal/flows/storage.py",
        {"return _claim(storage, CLAIMS, flow.id, flow.expires)": "return True"},
        (
            f"{LOGIN}test_complete.py::test_second_completion_of_a_flow_is_rejected",
            f"{PROTOCOLS}test_oauth1.py::test_flow_completes_once",
        ),
    ),
    Breakage(
        "a code is sent before its flow is claimed",
        "internal/actions/complete.py",
        {
            "    _claim(backend, flow)\n    flow.is_claimed = True": (
                "    backend.strategy.before_pipeline = lambda: _claim(backend, flow)\n"
                "    flow.is_claimed = True"
            )
        },
        (f"{NETWORK}test_circuit.py::test_backend_with_a_client_of_its_own_sends_a_code_once",),
    ),
    Breakage(
        "the expiry of a flow is ignored",
        "internal/flows/token.py",
        {" and flow.expires > time.time() else None": " else None"},
        ("tests/unit/test_flow.py::test_open_flow_returns_only_live_flows",),
    ),
    Breakage(
        "the provider of a flow is ignored",
        "internal/flows/token.py",
        {"(flow.provider, flow.purpose) == (provider, purpose)": "flow.purpose == purpose"},
        (f"{LOGIN}test_flow_transport.py::test_flow_of_another_provider_is_rejected",),
    ),
    Breakage(
        "the purpose of a flow is ignored",
        "internal/flows/token.py",
        {"(flow.provider, flow.purpose) == (provider, purpose)": "flow.provider == provider"},
        (f"{CONNECTIONS}test_connect.py::test_flow_of_a_login_cannot_connect_and_reverse",),
    ),
    Breakage(
        "a flow in the query string is accepted",
        "internal/http/parameters.py",
        {"    query.pop(FLOW, None)\n": ""},
        (f"{LOGIN}test_parameters.py::test_flow_in_the_query_string_is_ignored",),
    ),
    Breakage(
        "a login that sets a cookie accepts a flow in the body",
        "internal/http/flow_transport.py",
        {'if posted and self._transport != "cookie":': "if posted:"},
        (f"{TOKENS}test_cookie_serializers.py::test_posted_flow_is_rejected",),
    ),
    Breakage(
        "a cookie that the token serializer does not declare is not noticed",
        "internal/http/login_cookies.py",
        {"if self._changes_session() or _sets_cookie(response, is_flow):": "if False:"},
        (f"{TOKENS}test_undeclared_cookies.py::test_login_with_a_posted_flow_sets_no_cookie",),
    ),
    Breakage(
        "a failed login leaves its session in a cache",
        "internal/http/login_session.py",
        {"            session.flush()\n            is_known": "            is_known"},
        (f"{TOKENS}test_session_storage.py::test_commit_that_fails_restores_the_session",),
    ),
    # --- Signing out ------------------------------------------------------------------
    Breakage(
        "a logout blacklists the refresh token of another user",
        "tokens/jwt.py",
        {" or str(token.get(claim)) != str(authenticated_by.get(claim))": ""},
        (
            f"{TOKENS}test_logout.py::test_refresh_token_that_is_not_valid_is_refused",
            f"{TOKENS}test_logout.py::test_cookies_are_deleted_whatever_the_refresh_cookie_is",
        ),
    ),
    Breakage(
        "a logout leaves the cookies of the tokens",
        "tokens/jwt.py",
        {'both cookies."""\n        delete_jwt_cookies(response)': 'both cookies."""'},
        (f"{TOKENS}test_logout.py::test_cookies_are_deleted",),
    ),
    Breakage(
        "a logout ends a login that did not authenticate the request",
        "views/logout.py",
        {"if base in shipped:": "if False:"},
        (f"{TOKENS}test_logout.py::test_login_that_authenticates_the_request_ends",),
    ),
    Breakage(
        "a logout that has failed deletes the cookie of the session",
        "views/logout.py",
        {"take_back=self.take_back": "take_back=lambda: None"},
        (f"{TOKENS}test_logout.py::test_session_that_cannot_be_deleted_goes_on",),
    ),
    Breakage(
        "a session stays in the cache after it was revoked",
        "internal/accounts/logins.py",
        {"    transaction.on_commit(delete, using=sessions.db, robust=True)\n": ""},
        (f"{TOKENS}test_revoke.py::test_session_that_is_cached_again_before_the_commit_ends",),
    ),
    Breakage(
        "revoke() ends the sessions of other users",
        "internal/accounts/logins.py",
        {"bool(key.to_python(session[SESSION_KEY]) == user.pk)": "True"},
        (f"{TOKENS}test_revoke.py::test_sessions_of_one_user_are_deleted",),
    ),
    Breakage(
        "a login stores a session again that a logout in another tab has deleted",
        "internal/http/login_session.py",
        {"if must_exist else session.flush)": "if must_exist else session.cycle_key)"},
        (
            f"{TOKENS}test_session_storage.py::test_session_of_another_user_that_is_deleted_stays_deleted",
        ),
    ),
    Breakage(
        "the flow cookie is not HttpOnly",
        "internal/http/flow_transport.py",
        {"            httponly=True,\n": ""},
        (f"{LOGIN}test_flow_transport.py::test_cookie_attributes",),
    ),
    Breakage(
        "the flow cookie is not Secure",
        "internal/http/flow_transport.py",
        {"            secure=self._secure,\n": ""},
        (f"{LOGIN}test_flow_transport.py::test_cookie_attributes",),
    ),
    Breakage(
        "the flow cookie has no __Host- prefix",
        "internal/http/flow_transport.py",
        {'("__Host-" if self._secure else "")': '""'},
        (f"{LOGIN}test_flow_transport.py::test_cookie_attributes",),
    ),
    Breakage(
        "a page of another site plants a flow cookie",
        "internal/http/flow_transport.py",
        {" or not self._is_script_request():": ":"},
        (
            f"{LOGIN}test_flow_transport.py::test_page_of_another_origin_can_neither_plant_nor_evict_a_cookie",
        ),
    ),
    Breakage(
        "the Origin of a request is ignored",
        "internal/http/flow_transport.py",
        {"canonical is not None and (": "canonical is not None or ("},
        (
            f"{LOGIN}test_flow_transport.py::test_page_of_another_origin_can_neither_plant_nor_evict_a_cookie",
        ),
    ),
    # --- Redirect URIs and providers --------------------------------------------------
    Breakage(
        "redirect URIs are compared by prefix",
        "internal/flows/redirect_uris.py",
        {"if entry == uri:": "if uri.startswith(entry):"},
        (f"{LOGIN}test_redirect_uris.py::test_uri_that_differs_from_a_listed_one_is_rejected",),
    ),
    Breakage(
        "PKCE's verifier is not sent",
        "internal/backends/extensions/pkce.py",
        {"return self._transaction_verifier or stored": "return None"},
        (f"{PROTOCOLS}test_pkce.py::test_verifier_of_every_backend_matches_challenge",),
    ),
    Breakage(
        "the issuer of a callback is ignored",
        "internal/backends/callback.py",
        {"if not _is_issuer(backend, issuer):": "if False:"},
        (f"{LOGIN}test_issuer.py::test_issuer_of_openid_connect_must_be_the_configured_one",),
    ),
    Breakage(
        "a callback may lack the issuer that the metadata announces",
        "internal/backends/callback.py",
        {'.get("authorization_response_iss_parameter_supported") is True': " is None"},
        (f"{LOGIN}test_issuer.py::test_announced_issuer_is_required_in_the_callback",),
    ),
    Breakage(
        "discovery may name the issuer of another provider",
        "internal/backends/extensions/discovery.py",
        {"if issuer is not None and not is_configured_issuer(backend, url, issuer):": "if False:"},
        (f"{LOGIN}test_issuer.py::test_provider_that_claims_the_issuer_of_another_one_is_refused",),
    ),
    Breakage(
        "an identifier in a callback of OpenID 2.0 is fetched before verification",
        "internal/backends/extensions/openid2.py",
        {"        self._require_verification(message, endpoint)\n": ""},
        (f"{PROTOCOLS}test_openid2.py::test_forged_assertion_is_not_discovered",),
    ),
    Breakage(
        "internal hosts are fetched",
        "internal/network/public_hosts.py",
        {"if not is_internal and not all(map(_is_public, addresses)):": "if False:"},
        ("tests/api/network/test_public_hosts.py::test_address_that_is_not_public_is_refused",),
    ),
    Breakage(
        "an assertion of Telegram signs in twice",
        "internal/backends/extensions/provider_quirks.py",
        {'if not claim_assertion(response["hash"], expires, self.strategy.storage):': "if False:"},
        (f"{PROTOCOLS}test_telegram.py::test_assertion_is_accepted_once",),
    ),
    Breakage(
        "client secrets follow a redirect to another origin",
        "internal/network/sessions.py",
        {"if urlsplit(here)[:2] != urlsplit(there)[:2]:": "if False:"},
        (f"{NETWORK}test_limits.py::test_secret_is_not_redirected_to_another_origin",),
    ),
    Breakage(
        "a stranger opens the circuit of others",
        "internal/network/network_half.py",
        {'if not options.get("hosts"):': "if True:"},
        (f"{NETWORK}test_circuit.py::test_host_that_a_browser_names_has_no_circuit",),
    ),
    Breakage(
        "tenants share a circuit",
        "internal/network/circuit.py",
        {"identity = [provider, endpoint, ": "identity = [provider, "},
        (f"{NETWORK}test_circuit.py::test_other_circuits_remain_closed",),
    ),
    Breakage(
        "responses have no size limit",
        "internal/network/adapter.py",
        {"if total > MAX_BYTES:": "if False:"},
        (f"{NETWORK}test_limits.py::test_response_above_a_limit_is_malformed",),
    ),
    Breakage(
        "a response that is cut off is a complete one",
        "internal/network/adapter.py",
        {"if received == 0 and self._has_begun and not self.may_end:": "if False:"},
        (f"{NETWORK}test_cut_responses.py::test_response_of_each_endpoint_may_be_cut_off",),
    ),
    Breakage(
        "a code that may have been redeemed is sent to a new endpoint",
        "internal/network/moved_endpoints.py",
        {"if any(each.status_code == codes.see_other for each in response.history):": "if False:"},
        (
            (
                f"{NETWORK}test_moved_endpoints.py"
                "::test_code_that_may_have_been_redeemed_is_not_sent_again"
            ),
        ),
    ),
    Breakage(
        "a code that a proxy may have passed on is sent to a new endpoint",
        "internal/network/transport.py",
        {"((BrokenPipeError, ConnectionAbortedError, ConnectionResetError), ": "((), "},
        (
            (
                f"{NETWORK}test_moved_endpoints.py"
                "::test_code_that_was_sent_through_a_proxy_is_not_sent_again"
            ),
        ),
    ),
    # --- Native sign-in ---------------------------------------------------------------
    Breakage(
        "a provider that is not listed takes part in native sign-in",
        "internal/native/providers.py",
        {"if name not in names:": "if False:"},
        (f"{NATIVE}test_request.py::test_provider_that_is_not_listed_is_not_found",),
    ),
    Breakage(
        "the signature of an ID token is not verified",
        "internal/backends/id_tokens/signature.py",
        {"[algorithm], _SIGNATURE_ONLY)": '[algorithm], {"verify_signature": False})'},
        (f"{NATIVE}id_token/test_signature.py::test_token_signed_with_a_foreign_key_is_refused",),
    ),
    Breakage(
        "forged tokens cause any number of requests for keys",
        "internal/network/document_cache.py",
        {"if not rate_limited or self._take_request():": "if True:"},
        (f"{NATIVE}id_token/test_keys.py::test_forged_tokens_cause_a_limited_number_of_requests",),
    ),
    Breakage(
        "the audience of an ID token is not compared",
        "internal/backends/id_tokens/claims.py",
        {"and each in own for each in audiences": "for each in audiences"},
        (f"{NATIVE}id_token/test_claims.py::test_every_audience_and_azp_must_be_own_clients",),
    ),
    Breakage(
        "the nonce of an ID token is ignored",
        "internal/native/id_token.py",
        {"    _require_nonce(issuer, claims, nonce)\n": ""},
        (f"{NATIVE}id_token/test_nonce.py::test_value_behind_the_nonce_must_be_posted",),
    ),
    Breakage(
        "a nonce that the ID token shows is a proof",
        "internal/native/id_token.py",
        {"raise NonceNotHashed(issuer.backend)": "return"},
        (f"{NATIVE}id_token/test_nonce.py::test_value_that_the_token_shows_proves_nothing",),
    ),
    Breakage(
        "an access token is accepted as an ID token",
        "internal/backends/id_tokens/claims.py",
        {"    _require_id_token(issuer, claims)\n": ""},
        (f"{NATIVE}id_token/test_claims.py::test_access_token_for_an_own_client_is_refused",),
    ),
    Breakage(
        "the ID token of a redirect login signs in natively",
        "internal/backends/extensions/verified_tokens.py",
        {'claim_redirect_token(self, kwargs.get("response"))': "pass"},
        (
            f"{LOGIN}test_id_token.py::test_id_token_without_nonce_that_a_redirect_login_received_does_not_sign_in",
        ),
    ),
    Breakage(
        "the ID tokens of redirect logins follow fewer rules",
        "internal/backends/extensions/verified_tokens.py",
        {'require_valid(issuer, claims, read_header(issuer, id_token)["alg"]': "print(claims"},
        (f"{LOGIN}test_id_token.py::test_rules_are_the_same",),
    ),
    Breakage(
        "an ID token signs in twice",
        "internal/native/id_token.py",
        {'    claim_before_pipeline(backend, id_token, claims["exp"])\n': ""},
        (f"{NATIVE}id_token/test_sign_in.py::test_id_token_signs_in_once_in_any_spelling",),
    ),
    Breakage(
        "the client of an access token is not compared",
        "internal/native/access_token.py",
        {" or not info.clients <= verifier.own_clients()": ""},
        (
            f"{NATIVE}access_token/test_sign_in.py::test_token_of_another_application_changes_nothing",
        ),
    ),
    Breakage(
        "the owner of a profile is not compared",
        "internal/native/access_token.py",
        {"if info.subject is not None and subject != info.subject:": "if False:"},
        (f"{NATIVE}access_token/test_sign_in.py::test_profile_of_another_user_is_refused",),
    ),
    Breakage(
        "a form of another site signs in where the login is a cookie",
        "views/native.py",
        {"        self.require_json()\n": ""},
        (
            f"{NATIVE}test_request.py::test_only_json_is_accepted_if_the_serializer_sets_a_cookie",
            f"{CONNECTIONS}test_connect_token.py::test_body_must_be_json_if_logins_are_cookies",
        ),
    ),
    # --- Accounts and connections -----------------------------------------------------
    Breakage(
        "inactive users sign in",
        "internal/actions/outcome.py",
        {"if stored is None or not (active or allowed):": "if False:"},
        (
            f"{LOGIN}test_complete.py::test_inactive_user_is_rejected_unless_the_project_allows_it",
            f"{NATIVE}id_token/test_sign_in.py::test_inactive_user_is_refused",
        ),
    ),
    Breakage(
        "the filter of active users is ignored",
        "internal/actions/outcome.py",
        {" and users.is_among_active_users(user)": ""},
        (f"{ACCOUNTS}test_active_users.py::test_login_requires_the_filter",),
    ),
    Breakage(
        "another user completes a connect",
        "internal/actions/connect.py",
        {"callback.flow.user_id != str(account.pk)": "False"},
        (
            f"{CONNECTIONS}test_connect.py::test_completion_by_another_user_is_rejected_and_the_connect_stays_open",
        ),
    ),
    Breakage(
        "a paused login resumes without its partial token",
        "internal/actions/resume.py",
        {"not constant_time_compare(flow.session": "False and (flow.session"},
        (f"{ACCOUNTS}test_mail_validation.py::test_link_in_another_browser_or_login_is_rejected",),
    ),
    Breakage(
        "a paused login has any number of attempts",
        "internal/flows/storage.py",
        {"return any(_claim(storage, ATTEMPTS, salt, timestamp) for salt in salts)": "return True"},
        ("tests/api/paused/test_attempts.py::test_code_can_be_guessed_a_limited_number_of_times",),
    ),
    Breakage(
        "an address that a user types during a pause reaches an account",
        "internal/actions/resume.py",
        {" or not was_unknown": ""},
        (f"{ACCOUNTS}test_address_races.py::test_address_typed_after_the_step_reaches_no_account",),
    ),
    Breakage(
        "an unverified address of the provider links accounts",
        "internal/accounts/linking.py",
        {"verified is not None and is_same_mailbox(email, verified)": "True"},
        (f"{ACCOUNTS}test_provider_emails.py::test_openid_connect",),
    ),
    Breakage(
        "an unverified address of the account links accounts",
        "internal/accounts/linking.py",
        {'return getattr(user, "email_verified", None) is True': "return True"},
        (f"{ACCOUNTS}test_verified_email.py::test_default_policy_requires_a_verified_account",),
    ),
    Breakage(
        "a JWT in a cookie needs no CSRF token",
        "tokens/jwt.py",
        {"        SessionAuthentication().enforce_csrf(request)\n": ""},
        (
            f"{TOKENS}test_cookie_serializers.py::test_unsafe_request_needs_the_csrf_token_of_the_login",
            f"{TOKENS}test_logout.py::test_csrf_is_enforced",
            f"{TOKENS}test_logout.py::test_user_signs_out_after_the_access_cookie_has_expired",
        ),
    ),
    Breakage(
        "the JWT cookies are not HttpOnly",
        "tokens/jwt.py",
        {"        httponly=True,\n": ""},
        (f"{TOKENS}test_jwt_cookies.py::test_tokens_are_in_cookies_that_scripts_cannot_read",),
    ),
    # --- Requests and responses -------------------------------------------------------
    Breakage(
        "a handoff code is accepted twice",
        "internal/flows/handoff_cache.py",
        {"if not cache.delete(key):": "if False:"},
        (
            "tests/api/handoff/test_handoff_cache.py::test_response_is_returned_once_to_requests_at_the_same_time",
        ),
    ),
    Breakage(
        "a failure of the database removes the callback of a handoff",
        "internal/actions/complete.py",
        {"is_refusal or find_database_failure(error) is not None": "is_refusal"},
        ("tests/api/test_outages.py::test_login_without_a_server_keeps_the_callback_of_a_handoff",),
    ),
    Breakage(
        "a callback that the cache has not stored is handed off",
        "internal/flows/handoff_cache.py",
        {"if cache.get(key) is None:": "if False:"},
        (
            "tests/api/handoff/test_handoff_cache.py::test_callback_that_the_cache_has_not_stored_is_a_503",
        ),
    ),
    Breakage(
        "responses may be cached",
        "views/base.py",
        {"add_never_cache_headers(response)": 'response["Cache-Control"] = "max-age=60"'},
        (f"{LOGIN}test_complete.py::test_response_must_not_be_cached",),
    ),
    Breakage(
        "throttle rates are ignored",
        "views/base.py",
        {"return [*super().get_throttles(), *throttles]": "return super().get_throttles()"},
        (
            f"{LOGIN}test_throttling.py::test_requests_of_an_address_to_all_endpoints_count_together",
        ),
    ),
    Breakage(
        "request bodies have no size limit",
        "internal/http/parsers.py",
        {"if len(body) > MAX_BODY:": "if False:"},
        (f"{LOGIN}test_invalid_parameters.py::test_large_body_is_a_413",),
    ),
    Breakage(
        "error trackers find local variables",
        "internal/errors/redaction.py",
        {"traceback.clear_frames(error.__traceback__)": "pass"},
        (f"{LOGIN}test_error_reports.py::test_error_tracker_finds_no_secrets",),
    ),
    Breakage(
        "error trackers find the parsed body",
        "views/base.py",
        {"self.get_body().clear()": "pass"},
        (f"{LOGIN}test_error_reports.py::test_body_of_a_login_is_cleared_after_the_response",),
    ),
    Breakage(
        "messages of exceptions are reported with the secrets of the login",
        "internal/errors/redaction.py",
        {"if redact(text, secrets) != text:": "if not text:"},
        (f"{LOGIN}test_project_failures.py::test_message_is_redacted_of_the_values_of_the_login",),
    ),
    Breakage(
        "the admin shows the tokens of providers",
        "admin.py",
        {"return value if is_shown else str(HIDDEN)": "return value"},
        ("tests/api/test_admin.py::test_connection_is_shown_without_tokens",),
    ),
    Breakage(
        "provider tokens are stored in clear",
        "internal/connections/encryption.py",
        {"return convert(extra_data, encrypt, aliases)": "return {**extra_data}"},
        (f"{CONNECTIONS}test_encrypted_tokens.py::test_login_stores_no_token_in_clear",),
    ),
    Breakage(
        "provider tokens with a name of the project are stored in clear",
        "internal/backends/extensions/encrypted_tokens.py",
        {"to_stored(data, token_aliases(self))": "to_stored(data)"},
        (
            f"{CONNECTIONS}test_encrypted_tokens.py::test_refresh_by_social_core_sends_plain_and_stores_encrypted_tokens",
        ),
    ),
    Breakage(
        "other code stores provider tokens in clear",
        "internal/backends/stored_connections.py",
        {"            instance.extra_data = stored": "            pass"},
        (
            f"{CONNECTIONS}test_encrypted_tokens.py::test_tokens_that_other_code_saves_are_encrypted",
        ),
    ),
    Breakage(
        "paused logins store provider tokens in clear",
        "internal/flows/storage.py",
        {"partial.data, self.to_stored(partial.data)": "partial.data, partial.data"},
        (
            f"{CONNECTIONS}test_encrypted_tokens.py::test_paused_login_stores_no_token_in_clear_and_resumes",
        ),
    ),
    Breakage(
        "a login stores an encrypted token that a provider has sent",
        "internal/backends/extensions/encrypted_tokens.py",
        {"{*texts(data, inf)} - {*texts(stored, inf)}": "()"},
        (
            f"{CONNECTIONS}test_encrypted_tokens.py::test_login_with_an_encrypted_token_of_another_row_is_refused",
        ),
    ),
    Breakage(
        "a paused login decrypts what a user has typed",
        "internal/connections/encryption.py",
        {"return _seal(text) if is_changed else text": "return encrypt(text)"},
        (
            f"{CONNECTIONS}test_encrypted_tokens.py::test_paused_login_does_not_decrypt_what_a_user_types",
        ),
    ),
    Breakage(
        "an undecryptable token is sent to the provider",
        "internal/connections/encryption.py",
        {'raise LostToken("A provider token cannot be decrypted.") from error': "return token"},
        (
            f"{CONNECTIONS}test_encrypted_tokens.py::test_disconnect_of_a_lost_token_skips_the_revocation",
            f"{CONNECTIONS}test_encrypted_tokens.py::test_lost_tokens_reach_neither_the_provider_nor_the_project",
        ),
    ),
    Breakage(
        "an encrypted token is sent to the provider",
        "internal/backends/extensions/revocation.py",
        {"token = reveal(token)": "pass"},
        (f"{CONNECTIONS}test_encrypted_tokens.py::test_disconnect_revokes_the_decrypted_token",),
    ),
    Breakage(
        "flows and provider tokens have the same key",
        "internal/ciphers.py",
        {"salt=None, info=purpose": 'salt=None, info=b""'},
        (
            "tests/unit/test_encryption.py::test_changed_ciphertext_or_key_of_another_purpose_is_lost",
        ),
    ),
    Breakage(
        "the conversion of a row overwrites the change of a login",
        "internal/actions/convert_tokens.py",
        {"change if stored == computed_from else self._convert(stored, provider)": "change"},
        (
            f"{CONNECTIONS}test_encrypt_provider_tokens.py::test_change_after_the_row_was_read_is_kept",
        ),
    ),
    Breakage(
        "exceptions are reported with encrypted provider tokens",
        "internal/errors/redaction.py",
        {"return _ENCRYPTED_TOKEN.sub(HIDDEN, text)": "return text"},
        (
            f"{CONNECTIONS}test_encrypted_tokens.py::test_exception_during_a_login_is_reported_without_encrypted_tokens",
        ),
    ),
    Breakage(
        "every refusal is a failed login",
        "internal/actions/outcome.py",
        {"if _is_rejected_credential(refused):": "if True:"},
        (f"{LOGIN}test_failed_login_signal.py::test_error_in_a_callback_is_not_reported",),
    ),
    # --- Signing out ------------------------------------------------------------------
    Breakage(
        "a logout sends the browser to the URIs of logins",
        "internal/http/serializers.py",
        {'setting = "ALLOWED_LOGOUT_REDIRECT_URIS"': 'setting = "ALLOWED_REDIRECT_URIS"'},
        (f"{PROVIDER_LOGOUT}test_uri_that_is_not_listed_is_refused",),
    ),
    Breakage(
        "a logout sends an ID token that cannot be decrypted",
        "internal/actions/provider_logout.py",
        {"to_plain(social.extra_data)": "social.extra_data"},
        (
            f"{PROVIDER_LOGOUT}test_unusable_id_token_is_not_sent",
            f"{PROVIDER_LOGOUT}test_encrypted_id_token_is_decrypted",
        ),
    ),
    Breakage(
        "every provider can log users out",
        "internal/actions/backchannel_logout.py",
        {"if name not in names or protocol(": "if protocol("},
        (f"{BACKCHANNEL}test_logout_is_off_by_default",),
    ),
    Breakage(
        "the audience of a logout token is ignored",
        "internal/backends/id_tokens/logout_tokens.py",
        {"    require_audience(issuer, claims)\n": ""},
        (f"{BACKCHANNEL}test_claim_that_is_not_valid_is_refused",),
    ),
    Breakage(
        "the issuer of a logout token is ignored",
        "internal/backends/id_tokens/logout_tokens.py",
        {"    require_issuer(issuer, claims)\n": ""},
        (f"{BACKCHANNEL}test_claim_that_is_not_valid_is_refused",),
    ),
    Breakage(
        "the times of a logout token are ignored",
        "internal/backends/id_tokens/logout_tokens.py",
        {"    require_times(issuer, claims)\n": '    required_claim(issuer, claims, "exp")\n'},
        (f"{BACKCHANNEL}test_claim_that_is_not_valid_is_refused",),
    ),
    Breakage(
        "an ID token is accepted as a logout token",
        "internal/backends/id_tokens/logout_tokens.py",
        {"    _require_logout_token(issuer, claims)\n": '    claims.setdefault("jti", "1")\n'},
        (f"{BACKCHANNEL}test_id_token_is_not_a_logout_token",),
    ),
    Breakage(
        "a logout token signs in",
        "internal/backends/id_tokens/claims.py",
        {'other_claims = {"events", *issuer': "other_claims = {*issuer"},
        (f"{BACKCHANNEL}test_logout_token_does_not_sign_in",),
    ),
    Breakage(
        "a logout token is accepted twice",
        "internal/actions/backchannel_logout.py",
        {"    claim_once(backend, claims)\n": ""},
        (
            f"{BACKCHANNEL}test_logout_token_is_accepted_once",
            f"{BACKCHANNEL}test_identifier_of_a_token_is_accepted_once",
        ),
    ),
    Breakage(
        "a logout that fails uses up its logout token",
        "internal/actions/backchannel_logout.py",
        {
            "    claim_once(backend, claims)\n": "",
            "        claims = _verify(backend, logout_token)\n": (
                "        claims = _verify(backend, logout_token)\n"
                "        claim_once(backend, claims)\n"
            ),
        },
        (f"{BACKCHANNEL}test_failed_logout_changes_nothing_and_can_be_sent_again",),
    ),
    Breakage(
        "the subject of a logout token is compared with other identifiers",
        "internal/actions/backchannel_logout.py",
        {'for stored_key in (id_key, ""):': "for stored_key in (None,):"},
        (f"{BACKCHANNEL}test_identifier_of_another_claim_is_not_the_subject",),
    ),
    Breakage(
        "rates limit the logouts of a provider",
        "views/provider_logout.py",
        {
            "return [throttle() for throttle in self.throttle_classes]": (
                "return super().get_throttles()"
            )
        },
        (f"{BACKCHANNEL}test_rates_do_not_limit_the_provider",),
    ),
    # --- Provider tokens --------------------------------------------------------------
    Breakage(
        "a provider token is sent to another origin after a redirect",
        "provider_tokens.py",
        {"if _origin(url) != self._origin:": "if False:"},
        (f"{PROVIDER_TOKENS}test_provider_auth.py::test_redirect_from_http_to_https_has_no_token",),
    ),
    Breakage(
        "a provider token is sent to another origin in a second request",
        "provider_tokens.py",
        {'vars(self).setdefault("_origin", origin) != origin': "False"},
        (f"{PROVIDER_AUTH}test_instance_sends_the_token_to_one_origin_only",),
    ),
    Breakage(
        "a 401 of another origin receives a provider token",
        "provider_tokens.py",
        {"if self._has_repeated or not is_ours or": "if self._has_repeated or"},
        (f"{PROVIDER_AUTH}test_way_back_to_the_first_origin_has_no_token",),
    ),
    Breakage(
        "a repetition has the provider token of another account",
        "provider_tokens.py",
        {'"uid": rejected.uid': '"uid": self._uid'},
        (f"{PROVIDER_AUTH}test_repetition_uses_the_same_connection",),
    ),
    Breakage(
        "a stored token with a line break is sent",
        "internal/connections/stored_tokens.py",
        {"token if is_token(token) else None": "token"},
        (f"{ACCESS_TOKEN}test_token_that_cannot_be_sent_counts_as_missing",),
    ),
    Breakage(
        "workers refresh a token one after the other",
        "internal/actions/token_refresh.py",
        {"if stored.version != self._seen and stored.lives():": "if False:"},
        (f"{PROVIDER_TOKENS}test_refresh_races.py::test_threads_refresh_once",),
    ),
    Breakage(
        "a rejected refresh token is sent again",
        "internal/backends/token_refresh.py",
        {"needs_reconnect=True": "needs_reconnect=False"},
        (f"{REFRESH_ERRORS}test_rejected_refresh_token_marks_the_connection",),
    ),
    Breakage(
        "an outage marks a connection",
        "internal/actions/refresh_errors.py",
        {"if is_outage(error) or not getattr(": "if not getattr("},
        (f"{REFRESH_ERRORS}test_outage_is_a_503_that_changes_nothing",),
    ),
    Breakage(
        "a wrong client secret marks a connection",
        "internal/actions/refresh_errors.py",
        {"if code in _CLIENT_CODES:": "if False:"},
        (f"{REFRESH_ERRORS}test_nonsense_is_a_502_that_changes_nothing",),
    ),
    Breakage(
        "the exception of a refresh contains tokens",
        "internal/actions/provider_tokens.py",
        {
            "            clear_local_variables(error)\n": "",
            "hidden_cause(failure)": "failure.__cause__",
        },
        (f"{REFRESH_ERRORS}test_exception_contains_no_token",),
    ),
    Breakage(
        "a token with a line break is stored and sent",
        "internal/backends/token_refresh.py",
        {"and not is_token(value)": "and False"},
        (f"{REFRESH_ERRORS}test_nonsense_is_a_502_that_changes_nothing",),
    ),
    Breakage(
        "a refreshed ID token of another user is accepted",
        "internal/backends/id_tokens/refreshed.py",
        {
            "previous[name] != claims[name]": "False",
            'claims["sub"] not in subjects': "False",
        },
        (
            f"{REFRESHED_ID_TOKEN}test_invalid_id_token_changes_nothing",
            f"{REFRESHED_ID_TOKEN}test_user_who_was_connected_without_an_id_token_stays_the_same",
        ),
    ),
    Breakage(
        "a refreshed ID token of another client is accepted",
        "internal/backends/id_tokens/refreshed.py",
        {"    require_still_valid(issuer, claims,": "    (issuer, claims,"},
        (f"{REFRESHED_ID_TOKEN}test_id_tokens_of_other_backends_are_validated",),
    ),
    Breakage(
        "the primary key of another model selects provider tokens",
        "internal/flows/primary.py",
        {"not isinstance(user, Model) or isinstance(user, self.user_model())": "True"},
        (f"{ACCESS_TOKEN}test_user_without_a_row_has_no_connection",),
    ),
    # --- The JavaScript client --------------------------------------------------------
    Breakage(
        "a callback URL replaces the flow of the client",
        CLIENT,
        {"{ ...params, flow: record.flow }": "{ flow: record.flow, ...params }"},
        CLIENT_TESTS,
    ),
    Breakage(
        "a callback URL resumes a paused login of the client",
        CLIENT,
        {"{ ...params, partial_token: undefined }": "params"},
        CLIENT_TESTS,
    ),
    Breakage(
        "the client completes a login with the callback of another state",
        CLIENT,
        {"records.findLast((record) => record.stateless)": "records.at(-1)"},
        CLIENT_TESTS,
    ),
    Breakage(
        "the client leaves the code in the URL",
        CLIENT,
        {"history.replaceState(history.state": "void (history.state"},
        CLIENT_TESTS,
    ),
    Breakage(
        "the client returns the token of a completed login again",
        CLIENT,
        {'!("alreadyCompleted" in result)': "false"},
        CLIENT_TESTS,
    ),
    Breakage(
        "users of a server share the logins of its clients",
        CLIENT,
        {"(globalThis.location && globalThis.sessionStorage)": "globalThis.sessionStorage"},
        CLIENT_TESTS,
    ),
    Breakage(
        "a page completes the login of another page's popup",
        CLIENT,
        {"if (key !== record.key && (id === undefined || id !== record.id)) return;": ""},
        CLIENT_TESTS,
    ),
)
