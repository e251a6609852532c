// The client of the package, and the requests to the site's own endpoints.

import { createClient } from "/static/social_endpoints/client.js";
import * as session from "./session.js";

// The API is on 127.0.0.1. The same page is also on localhost, which is another origin.
export const api = new URL("/", location.origin);
api.hostname = "127.0.0.1";
export const sameOrigin = api.origin === location.origin;

function headers() {
  const token = session.token.get();
  return token ? { Authorization: `Token ${token}` } : {};
}

// The client finds out by itself whether a cookie or the page keeps a login in progress.
export const client = createClient({ baseUrl: new URL("auth/", api).href, headers });

/** Return the signed-in user, or null. */
export async function currentUser() {
  if (!session.token.get()) return null;
  const response = await get("api/me/");
  if (response.ok) return response.json();
  if (response.status === 401) session.token.clear();
  return null;
}

/** Let the site ask a provider for the user's profile, with the provider's token. */
export async function profile(provider) {
  const response = await get(`api/profile/${provider}/`);
  const body = await response.json();
  if (response.ok) return body;
  const { detail, non_field_errors, error_recovery: recovery, error_id: id } = body;
  throw Object.assign(new Error(detail ?? non_field_errors), { recovery, id });
}

const get = (path) => fetch(new URL(path, api), { headers: headers() });
