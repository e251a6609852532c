import 'package:flutter/services.dart';
import 'package:flutter_secure_storage/flutter_secure_storage.dart';
import 'package:flutter_web_auth_2/flutter_web_auth_2.dart';
import 'package:google_sign_in/google_sign_in.dart';
import 'package:sign_in_with_apple/sign_in_with_apple.dart';

import 'social_api.dart';

const callbackScheme = 'com.example.app';

/// It is in ALLOWED_REDIRECT_URIS and registered at each provider.
const redirectUri = '$callbackScheme://login/callback';

const webClientId = '1234-web.apps.googleusercontent.com';

final api = SocialApi();
const storage = FlutterSecureStorage();

/// Sign in with the browser of the system. Returns null if the user closes it.
Future<LoginResult?> signInWithBrowser(String provider) async {
  final begun = await api.begin(provider, redirectUri);
  final String callback;
  try {
    callback = await FlutterWebAuth2.authenticate(
      url: begun.authorizationUrl,
      callbackUrlScheme: callbackScheme,
    );
  } on PlatformException catch (error) {
    if (error.code == 'CANCELED') return null;
    rethrow;
  }
  return remember(await api.complete(begun, Uri.parse(callback)));
}

/// The package accepts one nonce for each start of the app.
final _googleNonce = Nonce();
final _google = GoogleSignIn.instance.initialize(
  serverClientId: webClientId,
  nonce: _googleNonce.sha256Hex,
);

/// Sign in with Google's SDK. Returns null if the user closes its dialog.
Future<LoginResult?> signInWithGoogle() async {
  await _google;
  final GoogleSignInAccount account;
  try {
    account = await GoogleSignIn.instance.authenticate();
  } on GoogleSignInException catch (error) {
    if (error.code == GoogleSignInExceptionCode.canceled) return null;
    rethrow;
  }
  final tokens = {
    'id_token': account.authentication.idToken,
    'nonce': _googleNonce.value,
  };
  return remember(await api.signInWithToken('google-oauth2', tokens));
}

/// Sign in with Apple's dialog of iOS. Returns null if the user closes it.
Future<LoginResult?> signInWithApple() async {
  final nonce = Nonce();
  final AuthorizationCredentialAppleID credential;
  try {
    credential = await SignInWithApple.getAppleIDCredential(
      scopes: [
        AppleIDAuthorizationScopes.email,
        AppleIDAuthorizationScopes.fullName,
      ],
      nonce: nonce.sha256Hex,
    );
  } on SignInWithAppleAuthorizationException catch (error) {
    if (error.code == AuthorizationErrorCode.canceled) return null;
    rethrow;
  }
  final tokens = {
    'id_token': credential.identityToken,
    'nonce': nonce.value,
    // Apple returns the name only at the first sign-in.
    if (credential.givenName != null)
      'user': {
        'name': {
          'firstName': credential.givenName,
          'lastName': credential.familyName,
        },
      },
  };
  return remember(await api.signInWithToken('apple-id', tokens));
}

/// Store the token of a completed login. A paused login has none.
Future<LoginResult> remember(LoginResult result) async {
  final token = result.token;
  if (token != null) await storage.write(key: 'token', value: token);
  return result;
}

Future<void> signOut() async {
  final token = await storage.read(key: 'token');
  await storage.delete(key: 'token');
  try {
    if (token != null) await api.logout(token);
  } on Exception {
    // Without a network, the device still forgets the token.
  }
}
