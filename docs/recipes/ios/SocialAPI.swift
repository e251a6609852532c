import CryptoKit
import Foundation

/// A refusal by the API. `recovery` says what to offer to the user.
struct SocialError: LocalizedError {
    let status: Int
    let code: String
    let recovery: String
    /// The messages for each field of a form.
    let fields: [String: [String]]
    let errorDescription: String?

    init(status: Int, body: [String: Any]) {
        self.status = status
        code = body["error_code"] as? String ?? "unexpected_response"
        recovery = body["error_recovery"] as? String ?? "retry_later"
        let lists = body.compactMapValues { $0 as? [String] }
        fields = lists.filter { $0.key != "non_field_errors" }
        let texts = lists.values.flatMap { $0 }
        errorDescription = texts.isEmpty ? body["detail"] as? String : texts.joined(separator: " ")
    }
}

/// A login that the user finishes in the browser.
struct Begun: Decodable {
    let authorizationUrl: URL
    let flow: String
}

/// A field of the form of a paused login.
struct Field: Decodable {
    struct Choice: Decodable {
        /// What to post. The API accepts a number as text.
        let value: String
        let displayName: String

        private enum CodingKeys: CodingKey {
            case value, displayName
        }

        init(from decoder: Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            displayName = try container.decode(String.self, forKey: .displayName)
            if let number = try? container.decode(Int.self, forKey: .value) {
                value = String(number)
            } else {
                value = try container.decode(String.self, forKey: .value)
            }
        }
    }

    let name: String
    let type: String
    let label: String
    let required: Bool
    let choices: [Choice]?
}

/// A completed login with a `token`, or a paused login with `fields`.
struct LoginResult: Decodable {
    let token: String?
    let partialToken: String?
    let fields: [Field]?
    let provider: String?
    let flow: String?
}

struct User: Decodable {
    let username: String
    let email: String
    let name: String
}

/// A random value for an ID token. The SDK gets `sha256`, and the API gets `value`.
struct Nonce {
    let value = (0..<32)
        .map { _ in String(format: "%02x", UInt8.random(in: UInt8.min...UInt8.max)) }
        .joined()

    var sha256: String {
        SHA256.hash(data: Data(value.utf8)).map { String(format: "%02x", $0) }.joined()
    }
}

struct SocialAPI {
    /// The URL at which the API includes the endpoints.
    let baseURL = "https://api.example.com/auth/"

    /// Begin a login. Open its `authorizationUrl` in the browser of the system.
    func begin(_ provider: String, redirectURI: String) async throws -> Begun {
        var query = URLComponents()
        query.queryItems = [URLQueryItem(name: "redirect_uri", value: redirectURI)]
        return try await send("GET", "o/\(provider)/?\(query.percentEncodedQuery ?? "")")
    }

    /// Complete a login with the URL that the browser has opened.
    func complete(_ provider: String, _ begun: Begun, callback: URL) async throws -> LoginResult {
        let query = URLComponents(url: callback, resolvingAgainstBaseURL: false)?.queryItems ?? []
        var body: [String: Any] = [:]
        for item in query {
            body[item.name] = item.value ?? ""
        }
        body["flow"] = begun.flow
        return try await send("POST", "o/\(provider)/", body: body)
    }

    /// Continue a paused login with what the user has entered.
    func resume(_ paused: LoginResult, values: [String: Any]) async throws -> LoginResult {
        var body = values
        body["partial_token"] = paused.partialToken
        body["flow"] = paused.flow
        return try await send("POST", "o/\(paused.provider ?? "")/", body: body)
    }

    /// Sign in with the tokens of an SDK.
    func signIn(_ provider: String, tokens: [String: Any]) async throws -> LoginResult {
        try await send("POST", "o/\(provider)/token/", body: tokens)
    }

    /// Return the signed-in user.
    func currentUser(token: String) async throws -> User {
        try await send("GET", "me/", token: token)
    }

    /// End the login.
    func logout(token: String) async throws {
        _ = try await load("POST", "logout/", token: token)
    }

    private func send<Response: Decodable>(
        _ method: String, _ path: String, body: [String: Any]? = nil, token: String? = nil
    ) async throws -> Response {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let data = try await load(method, path, body: body, token: token)
        return try decoder.decode(Response.self, from: data)
    }

    private func load(
        _ method: String, _ path: String, body: [String: Any]? = nil, token: String? = nil
    ) async throws -> Data {
        guard let url = URL(string: baseURL + path) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        if let token {
            request.setValue("Token \(token)", forHTTPHeaderField: "Authorization")
        }
        if let body {
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = try JSONSerialization.data(withJSONObject: body)
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard (200..<300).contains(status) else {
            // A proxy may have sent an error page in place of JSON.
            let content = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
            throw SocialError(status: status, body: content ?? [:])
        }
        return data
    }
}
