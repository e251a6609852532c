import { signOut } from "./logout.js";

const API = "https://api.example.com/auth/";
const SIGNED_OUT = "https://app.example.com/signed-out";

// A button calls it with the provider of this login. `credentials` is as in logout.js.
export async function signOutEverywhere(provider, credentials) {
  const query = new URLSearchParams({ post_logout_redirect_uri: SIGNED_OUT });
  const response = await fetch(`${API}o/${provider}/logout/?${query}`, {
    headers: { Authorization: credentials.authorization },
  });
  await signOut(credentials); // The first request needs the login, so it ends now.
  if (!response.ok) return; // For example 404: the provider has no logout.
  const { logout_url, state } = await response.json();
  sessionStorage.setItem("logout_state", state);
  location.assign(logout_url);
}

// The page SIGNED_OUT calls it.
export function isOwnLogout() {
  const expected = sessionStorage.getItem("logout_state");
  sessionStorage.removeItem("logout_state");
  const state = new URLSearchParams(location.search).get("state");
  return expected !== null && state === expected;
}
