import * as Linking from "expo-linking";
import * as WebBrowser from "expo-web-browser";

import { remember, social } from "./session";

// With the scheme "com.example.app" in app.json, it is com.example.app://login/callback.
// It is in ALLOWED_REDIRECT_URIS and registered at each provider.
const redirectUri = Linking.createURL("login/callback");

const navigate = (url: string) => WebBrowser.openAuthSessionAsync(url, redirectUri);

/** Sign in with the browser of the system (RFC 8252). Returns null if the user closes it. */
export async function signInWithBrowser(provider: string, next = "/") {
  const result = await social.signIn(provider, { redirectUri, next, navigate });
  return result.type === "success" ? complete(result.url) : null;
}

/** Link one more provider to the signed-in user. Returns null if the user closes the browser. */
export async function connectWithBrowser(provider: string, next = "/") {
  const result = await social.connect(provider, { redirectUri, next, navigate });
  return result.type === "success" ? complete(result.url) : null;
}

/** Complete a login with the URL that the browser has opened. Repeated calls do no harm. */
export const complete = (url: string) => remember(social.complete(url));

/** At the start of the app: complete a login whose browser was open when Android ended the app. */
export async function completeAfterRestart() {
  const url = await Linking.getInitialURL();
  return url?.startsWith(redirectUri) ? complete(url) : null;
}
