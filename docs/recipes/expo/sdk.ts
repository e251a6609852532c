import { GoogleSignin } from "@react-native-google-signin/google-signin";
import * as AppleAuthentication from "expo-apple-authentication";
import * as Crypto from "expo-crypto";

import { remember, social } from "./session";

/** Like createNonce() of the client, which needs WebCrypto. React Native does not have it. */
async function createNonce() {
  const value = Crypto.randomUUID() + Crypto.randomUUID();
  const sha256 = await Crypto.digestStringAsync(Crypto.CryptoDigestAlgorithm.SHA256, value);
  return { value, sha256 };
}

/** Sign in with Apple's dialog of iOS. */
export async function signInWithApple() {
  const { value, sha256 } = await createNonce();
  const { FULL_NAME, EMAIL } = AppleAuthentication.AppleAuthenticationScope;
  const { identityToken, fullName } = await AppleAuthentication.signInAsync({
    requestedScopes: [FULL_NAME, EMAIL],
    nonce: sha256, // Apple gets the hash, and the API gets the value.
  });
  if (!identityToken) throw new Error("Apple returned no ID token.");
  const name = { firstName: fullName?.givenName, lastName: fullName?.familyName };
  return remember(
    social.signInWithToken("apple-id", {
      idToken: identityToken,
      nonce: value,
      user: { name }, // Apple returns the name only at the first sign-in.
    }),
  );
}

/** Sign in with Google's dialog. Returns null if the user closes it. */
export async function signInWithGoogle() {
  GoogleSignin.configure({
    webClientId: "….apps.googleusercontent.com",
    scopes: ["openid", "email", "profile"],
  });
  await GoogleSignin.hasPlayServices();
  const { type } = await GoogleSignin.signIn();
  if (type !== "success") return null;
  // On iOS, the ID token has a nonce that the module does not reveal, so the API would refuse it.
  const { accessToken } = await GoogleSignin.getTokens();
  return remember(social.signInWithToken("google-oauth2", { accessToken }));
}
