import 'dart:convert';
import 'dart:math';

import 'package:crypto/crypto.dart';
import 'package:http/http.dart' as http;

/// The URL at which the API includes the endpoints.
const baseUrl = 'https://api.example.com/auth/';

/// A refusal by the API. [recovery] says what to offer to the user.
class SocialError implements Exception {
  SocialError(this.status, this.body);

  final int status;
  final Map<String, dynamic> body;

  String get code => body['error_code'] as String? ?? 'unexpected_response';
  String get recovery => body['error_recovery'] as String? ?? 'retry_later';

  /// The messages for each field of a form.
  Map<String, List<dynamic>> get fields => {
        for (final entry in body.entries)
          if (entry.value is List && entry.key != 'non_field_errors')
            entry.key: entry.value as List<dynamic>,
      };

  String get message {
    final texts = body['non_field_errors'] as List<dynamic>? ??
        fields.values.expand((each) => each).toList();
    if (texts.isNotEmpty) return texts.join(' ');
    return body['detail'] as String? ?? 'The sign-in has failed. Please try again.';
  }
}

/// A login that the user finishes in the browser.
class Begun {
  Begun(this.provider, this.authorizationUrl, this.flow);

  final String provider;
  final String authorizationUrl;
  final String flow;
}

/// A completed login with a [token], or a paused login with [fields].
class LoginResult {
  LoginResult(this.body);

  final Map<String, dynamic> body;

  String? get token => body['token'] as String?;
  String? get partialToken => body['partial_token'] as String?;
  List<dynamic> get fields => body['fields'] as List<dynamic>? ?? [];
}

/// A random value for an ID token. The SDK gets [sha256Hex], and the API gets [value].
class Nonce {
  final value = base64Url.encode(
    List.generate(32, (_) => Random.secure().nextInt(256)),
  );

  late final sha256Hex = sha256.convert(utf8.encode(value)).toString();
}

class SocialApi {
  final _client = http.Client();

  /// Begin a login. Open [Begun.authorizationUrl] in the browser of the system.
  Future<Begun> begin(String provider, String redirectUri) async {
    final query = Uri(queryParameters: {'redirect_uri': redirectUri}).query;
    final body = await _send('GET', 'o/$provider/?$query');
    return Begun(
      provider,
      body['authorization_url'] as String,
      body['flow'] as String,
    );
  }

  /// Complete a login with the URL that the browser has opened.
  Future<LoginResult> complete(Begun begun, Uri callback) async {
    final body = {...callback.queryParameters, 'flow': begun.flow};
    return LoginResult(await _send('POST', 'o/${begun.provider}/', body: body));
  }

  /// Continue a paused login with what the user has entered.
  Future<LoginResult> resume(LoginResult paused, Map<String, Object?> values) async {
    final body = {
      ...values,
      'partial_token': paused.partialToken,
      'flow': paused.body['flow'],
    };
    return LoginResult(await _send('POST', 'o/${paused.body['provider']}/', body: body));
  }

  /// Sign in with the tokens of an SDK.
  Future<LoginResult> signInWithToken(String provider, Map<String, Object?> tokens) async {
    return LoginResult(await _send('POST', 'o/$provider/token/', body: tokens));
  }

  /// Return the signed-in user.
  Future<Map<String, dynamic>> currentUser(String token) {
    return _send('GET', 'me/', token: token);
  }

  /// End the login.
  Future<void> logout(String token) async {
    await _send('POST', 'logout/', token: token);
  }

  Future<Map<String, dynamic>> _send(
    String method,
    String path, {
    Map<String, Object?>? body,
    String? token,
  }) async {
    final request = http.Request(method, Uri.parse('$baseUrl$path'));
    if (token != null) request.headers['Authorization'] = 'Token $token';
    if (body != null) {
      request.headers['Content-Type'] = 'application/json';
      request.body = jsonEncode(body);
    }
    final response = await http.Response.fromStream(await _client.send(request));
    final content = _decode(response);
    if (response.statusCode >= 400) throw SocialError(response.statusCode, content);
    return content;
  }

  /// Return the body. A proxy may have sent an error page in place of JSON.
  Map<String, dynamic> _decode(http.Response response) {
    try {
      return jsonDecode(utf8.decode(response.bodyBytes)) as Map<String, dynamic>;
    } on Object {
      return {};
    }
  }
}
