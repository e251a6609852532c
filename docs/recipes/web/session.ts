import { createClient, type Provider, SocialError } from "django-social-endpoints";

export const social = createClient({
  baseUrl: "https://api.example.com/auth/",
  headers: () => authorization(),
});

// The callback page. It is in ALLOWED_REDIRECT_URIS and registered at each provider.
const redirectUri = () => `${location.origin}/login/callback`;

const listeners = new Set<() => void>();

export const getToken = () => sessionStorage.getItem("token");

export function setToken(token: string | null) {
  if (token) sessionStorage.setItem("token", token);
  else sessionStorage.removeItem("token");
  for (const listener of listeners) listener();
}

/** Call a function after each change of the token. Returns a function that ends this. */
export function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The header of all requests to the API. */
export function authorization(): Record<string, string> {
  const token = getToken();
  return token ? { Authorization: `Token ${token}` } : {};
}

/** Leave for the provider. The callback page then shows `next`, a path of this app. */
export const signIn = (provider: Provider, next: unknown) =>
  social.signIn(provider.name, { redirectUri: redirectUri(), next: localPath(next) });

/** Link one more provider to the signed-in user. The same callback page completes it. */
export const connect = (provider: Provider, next: unknown) =>
  social.connect(provider.name, { redirectUri: redirectUri(), next: localPath(next) });

/** Only paths of this app. A link to the sign-in page could name another site as `next`. */
function localPath(next: unknown) {
  const path = String(next);
  const isPath = path.startsWith("/") && URL.canParse(path, location.href);
  return isPath && new URL(path, location.href).origin === location.origin ? path : "/";
}

/** Finish a sign-in or a connect on the callback page. */
export const complete = () => remember(social.complete());

/** Continue a paused login with what the user has entered. */
export const resume = (partialToken: string, values: Record<string, unknown>) =>
  remember(social.resume(partialToken, values));

async function remember(request: ReturnType<typeof social.complete>) {
  const result = await request;
  if ("token" in result) setToken(result.token);
  return result;
}

export async function signOut() {
  try {
    await social.logout();
  } catch (error) {
    // 401: the login has ended before. 404: the server cannot end it.
    if (!(error instanceof SocialError && [401, 404].includes(error.status))) throw error;
  }
  setToken(null);
}
