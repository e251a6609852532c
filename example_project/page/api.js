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
  try {
    return await get("api/me/");
  } catch (error) {
    if (error.status !== 401) throw error;
    session.token.clear(); // It has ended, for example in another tab.
    return null;
  }
}

/** Let the site ask a provider for the user's profile, with the provider's token. */
export const profile = (provider) => get(`api/profile/${provider}/`);

/** Return the response of one of the site's own endpoints, or throw an error like the client's. */
async function get(path) {
  const response = await fetch(new URL(path, api), { headers: headers() }).catch(() => {
    const text = "The server cannot be reached. Please try again.";
    throw createError(text, { recovery: "retry_later" });
  });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw createError(body.detail ?? body.non_field_errors ?? "The site has failed.", {
    status: response.status,
    recovery: body.error_recovery,
    id: body.error_id,
  });
}

const createError = (text, details) => Object.assign(new Error(text), details);
