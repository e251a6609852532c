import AuthenticationServices
import GoogleSignIn
import SwiftUI

struct SignInView: View {
    /// It is in ALLOWED_REDIRECT_URIS and registered at each provider.
    private let redirectURI = "com.example.app://login/callback"
    private let api = SocialAPI()

    @Environment(\.webAuthenticationSession) private var browser
    @State private var appleNonce = Nonce()
    @State private var message = ""

    /// Called with a completed or a paused login.
    let onResult: (LoginResult) -> Void

    var body: some View {
        VStack {
            Button("Sign in with GitHub") { run { try await signInWithBrowser("github") } }
            Button("Sign in with Google") { run { try await signInWithGoogle() } }
            SignInWithAppleButton(.signIn) { request in
                appleNonce = Nonce()
                request.requestedScopes = [.fullName, .email]
                request.nonce = appleNonce.sha256
            } onCompletion: { result in
                run { try await signInWithApple(result) }
            }
            .frame(height: 44)
            Text(message)
        }
        .onOpenURL { url in
            _ = GIDSignIn.sharedInstance.handle(url)
        }
    }

    private func signInWithBrowser(_ provider: String) async throws -> LoginResult {
        let begun = try await api.begin(provider, redirectURI: redirectURI)
        let callback = try await browser.authenticate(
            using: begun.authorizationUrl, callbackURLScheme: "com.example.app")
        return try await api.complete(provider, begun, callback: callback)
    }

    private func signInWithGoogle() async throws -> LoginResult {
        let scene = UIApplication.shared.connectedScenes.first as? UIWindowScene
        guard let presenter = scene?.keyWindow?.rootViewController else {
            throw URLError(.cancelled)
        }
        let nonce = Nonce()
        let result = try await GIDSignIn.sharedInstance.signIn(
            withPresenting: presenter, hint: nil, additionalScopes: nil, nonce: nonce.sha256)
        guard let idToken = result.user.idToken?.tokenString else {
            throw URLError(.userAuthenticationRequired)
        }
        return try await api.signIn(
            "google-oauth2", tokens: ["id_token": idToken, "nonce": nonce.value])
    }

    private func signInWithApple(_ result: Result<ASAuthorization, Error>) async throws
        -> LoginResult
    {
        guard let credential = try result.get().credential as? ASAuthorizationAppleIDCredential,
            let data = credential.identityToken,
            let idToken = String(data: data, encoding: .utf8)
        else { throw URLError(.userAuthenticationRequired) }
        var tokens: [String: Any] = ["id_token": idToken, "nonce": appleNonce.value]
        // Apple returns the name only at the first sign-in.
        if let name = credential.fullName, let firstName = name.givenName {
            tokens["user"] = ["name": ["firstName": firstName, "lastName": name.familyName ?? ""]]
        }
        return try await api.signIn("apple-id", tokens: tokens)
    }

    /// Sign in, and show an error. Nothing happens if the user closes the dialog.
    private func run(_ signIn: @escaping () async throws -> LoginResult) {
        message = ""
        Task { @MainActor in
            do {
                onResult(try await signIn())
            } catch ASWebAuthenticationSessionError.canceledLogin {
            } catch ASAuthorizationError.canceled {
            } catch GIDSignInError.canceled {
            } catch {
                message = error.localizedDescription
            }
        }
    }
}
