"""The texts of social-core's error codes, for the catalogues.

social-core has no catalogues, so ours contain its texts. ``REASONS`` of social-core maps each error
code to its text. A test compares this list with the installed version.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

TEXTS = frozenset(
    {
        # Translators: Error code missing_setting. The site is not set up correctly. Users and
        # developers can see it.
        _("Authentication configuration is incomplete."),
        # Translators: Error code invalid_setting.
        _("Authentication configuration is invalid."),
        # Translators: Error code unsupported_feature. "Integration" is the software that connects
        # this site with the provider.
        _("The authentication integration does not support this feature."),
        # Translators: Error code backend_missing. "Backend" is the software for one provider.
        _("The authentication backend is unavailable."),
        # Translators: Error code missing_parameter.
        _("A required authentication parameter is missing."),
        # Translators: Error code invalid_parameter.
        _("An authentication parameter is invalid."),
        # Translators: Error code session_context_missing. A "session" is one login in progress.
        # Often the browser has sent no cookie.
        _("The authentication session is unavailable. Please restart login."),
        # Translators: Error code state_mismatch. The "response" is what the provider has sent
        # through the browser.
        _("The authentication response does not match the session."),
        # Translators: Error code user_mismatch. Another user began this login or connect in the
        # same browser.
        _("The authentication session belongs to a different user."),
        # Translators: Error code malformed_response.
        _("The authentication provider returned an invalid response."),
        # Translators: Error code missing_claim. A "field" of the data that the provider has sent.
        _("The authentication response is missing a required field."),
        # Translators: Error code invalid_claim. A "field" of the data that the provider has sent.
        _("An authentication response field could not be verified."),
        # Translators: Error code invalid_signature.
        _("The authentication response signature could not be verified."),
        # Translators: Error code nonce_mismatch. The "request" is the one that began the login.
        _("The authentication response could not be matched to the request."),
        # Translators: Error code response_expired.
        _("The authentication response has expired."),
        # Translators: Error code response_not_yet_valid.
        _("The authentication response is not yet valid."),
        # Translators: Error code invalid_expiry. Stored data about the time at which a token
        # expires.
        _("Stored authentication expiry data is invalid."),
        # Translators: Error code profile_email_missing. The user can see it.
        _("The provider did not supply an email address."),
        # Translators: Error code authorization_code_rejected. "Authorization code" is the term of
        # OAuth 2.0.
        _("The authorization code was rejected. Please restart login."),
        # Translators: Error code credential_rejected. "Credentials" are proofs of identity, such
        # as a token.
        _("The authentication credentials were rejected."),
        # Translators: Error code token_revoked.
        _("The authentication token has been revoked."),
        # Translators: Error code reauthentication_required.
        _("Please authenticate with the provider again."),
        # Translators: Error code email_verification_rejected. The user has opened a link in an
        # e-mail.
        _("The email confirmation could not be verified."),
        # Translators: Error code authentication_disallowed. The rules of this site do not allow
        # this user to sign in.
        _("Authentication is not allowed by the application policy."),
        # Translators: Error code membership_required. The user has to be a member, for example of
        # an organization at the provider.
        _("The account does not have the required membership."),
        # Translators: Error code disconnect_disallowed. The user wants to disconnect a provider,
        # which is the last way to sign in.
        _("This account cannot be disconnected without another authentication method."),
        # Translators: Error code identity_in_use. "Identity" is an account at a provider;
        # "account" is one on this site.
        _("This identity is already associated with another account."),
        # Translators: Error code email_in_use.
        _("This email address is already in use."),
        # Translators: Error code username_in_use.
        _("This username is already in use."),
        # Translators: Error code identifier_migration_conflict. A provider has changed the
        # identifiers of its users.
        _("The stored authentication identity could not be migrated safely."),
        # Translators: Error code connection_failed.
        _("The authentication provider could not be reached."),
        # Translators: Error code timeout.
        _("The authentication provider did not respond in time."),
        # Translators: Error code tls_error. HTTPS with the provider does not work.
        _("A secure connection to the authentication provider could not be established."),
        # Translators: Error code rate_limited.
        _("The authentication provider is temporarily limiting requests."),
        # Translators: Error code unavailable.
        _("The authentication provider is temporarily unavailable."),
        # Translators: Error code http_error.
        _("The authentication provider rejected the request."),
        # Translators: Error code authorization_declined. The user has clicked Cancel at the
        # provider. Without a full stop, as in English.
        _("Authentication process canceled"),
        # Translators: Error code unknown_error. The cause is not known.
        _("Authentication could not be completed."),
    }
)
