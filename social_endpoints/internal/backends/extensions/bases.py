"""Base classes for the mixins in this package.

The backends of social-core 7 are generic in the type of their user model and those of
social-core 6 are not. Type checkers require the parameter, and social-core 6 fails on it
at run time. Remove this module when social-core 6 is no longer supported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from social_core.backends.apple import AppleIdAuth
from social_core.backends.auth0 import Auth0OAuth2
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.base import BaseAuth
from social_core.backends.facebook_limited import FacebookLimitedLogin
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2, BaseOAuth2PKCE, OAuthAuth
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.pushbullet import PushbulletOAuth2
from social_core.backends.scistarter import SciStarterOAuth2
from social_core.backends.soundcloud import SoundcloudOAuth2
from social_core.backends.telegram import TelegramAuth
from social_core.backends.vend import VendOAuth2
from social_core.backends.weixin import WeixinOAuth2

if TYPE_CHECKING:
    Apple = AppleIdAuth[Any]
    Auth0 = Auth0OAuth2[Any]
    Backend = BaseAuth[Any]
    FacebookLimited = FacebookLimitedLogin[Any]
    Microsoft = AzureADOAuth2[Any]
    OAuth = OAuthAuth[Any]
    OAuth1 = BaseOAuth1[Any]
    OAuth2 = BaseOAuth2[Any]
    OAuth2PKCE = BaseOAuth2PKCE[Any]
    OpenId = OpenIdAuth[Any]
    OpenIdConnect = OpenIdConnectAuth[Any]
    Pushbullet = PushbulletOAuth2[Any]
    SciStarter = SciStarterOAuth2[Any]
    Soundcloud = SoundcloudOAuth2[Any]
    Telegram = TelegramAuth[Any]
    Vend = VendOAuth2[Any]
    Weixin = WeixinOAuth2[Any]
else:
    Apple = AppleIdAuth
    Auth0 = Auth0OAuth2
    Backend = BaseAuth
    FacebookLimited = FacebookLimitedLogin
    Microsoft = AzureADOAuth2
    OAuth = OAuthAuth
    OAuth1 = BaseOAuth1
    OAuth2 = BaseOAuth2
    OAuth2PKCE = BaseOAuth2PKCE
    OpenId = OpenIdAuth
    OpenIdConnect = OpenIdConnectAuth
    Pushbullet = PushbulletOAuth2
    SciStarter = SciStarterOAuth2
    Soundcloud = SoundcloudOAuth2
    Telegram = TelegramAuth
    Vend = VendOAuth2
    Weixin = WeixinOAuth2
