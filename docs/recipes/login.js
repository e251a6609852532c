const API = "https://api.example.com/auth/";
const REDIRECT_URI = `${location.origin}/login/callback`;

// A button calls this function, for example signIn("google-oauth2").
export async function signIn(provider) {
  const { authorization_url, flow } = await request(
    `o/${provider}/?redirect_uri=${encodeURIComponent(REDIRECT_URI)}`,
  );
  // The state is part of the name, so that several logins can be open. Some protocols have
  // no state (SAML, OAuth 1.0a). Then the tab has one login, the newest.
  const state = new URL(authorization_url).searchParams.get("state");
  sessionStorage.setItem(`login:${state}`, JSON.stringify({ provider, flow }));
  location.assign(authorization_url);
}

// The page at REDIRECT_URI calls this function. It returns { token }. If it is called twice,
// as React does with effects, it still sends only one request.
let completion;
export const completeSignIn = () =>
  (completion ??= complete(new URLSearchParams(`${location.search}&${location.hash.slice(1)}`)));

async function complete(callback) {
  history.replaceState(null, "", location.pathname); // removes the code from the history
  const login = take(callback.get("state")) ?? take(null);
  if (!login) throw new Error("This tab began no login, or it is already completed.");
  // Post everything that the provider sent, including its error if the user declined.
  const body = JSON.stringify({ ...Object.fromEntries(callback), flow: login.flow });
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
  const fields = Object.values(data).filter(Array.isArray);
  const messages = [data.non_field_errors ?? data.detail ?? fields].flat(2);
  throw Object.assign(new Error(messages.join(" ")), { recovery: data.error_recovery });
}
