const API = "https://api.example.com/auth/";
const REDIRECT_URI = `${location.origin}/login/callback`;

// A button calls it: signIn("google-oauth2").
export async function signIn(provider) {
  const { authorization_url, flow } = await request(
    `o/${provider}/?redirect_uri=${encodeURIComponent(REDIRECT_URI)}`,
  );
  // Kept under the login's state, so that several can be under way. Where the provider's
  // protocol has none (SAML, OAuth 1.0a), the newest login of this tab is meant.
  const state = new URL(authorization_url).searchParams.get("state");
  sessionStorage.setItem(`login:${state}`, JSON.stringify({ provider, flow }));
  location.assign(authorization_url);
}

// The page at REDIRECT_URI calls it. However often it is called (React calls
// effects twice), there is one request and one answer: { token }.
let completion;
export const completeSignIn = () =>
  (completion ??= complete(new URLSearchParams(location.search || location.hash.slice(1))));

async function complete(answer) {
  history.replaceState(null, "", location.pathname); // the code stays in no history
  const login = take(answer.get("state")) ?? take(null);
  if (!login) throw new Error("This login was not begun in this tab, or is used already.");
  // All that the provider sent goes along: also its error, when the user has declined.
  const body = JSON.stringify({ ...Object.fromEntries(answer), flow: login.flow });
  const headers = { "Content-Type": "application/json" };
  return request(`o/${login.provider}/`, { method: "POST", headers, body });
}

function take(state) {
  const login = JSON.parse(sessionStorage.getItem(`login:${state}`));
  sessionStorage.removeItem(`login:${state}`); // a flow completes once
  return login;
}

async function request(path, options) {
  const response = await fetch(API + path, options);
  const data = await response.json();
  if (response.ok) return data;
  const messages = data.non_field_errors ?? Object.values(data).flat();
  throw Object.assign(new Error(messages.join(" ")), { recovery: data.error_recovery });
}
