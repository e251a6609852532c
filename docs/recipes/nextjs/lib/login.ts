import { createClient, SocialError } from "django-social-endpoints";
import { type NextRequest, NextResponse } from "next/server";

const API = "https://api.example.com/auth/";
const APP = "https://app.example.com";
// It is in ALLOWED_REDIRECT_URIS and registered at each provider.
export const REDIRECT_URI = `${APP}/login/callback`;

// With this prefix, a sister subdomain cannot set the cookies. So it cannot plant its own login.
export const SESSION = "__Host-session";
export const ERROR = "__Host-login-error";
const LOGINS = "__Host-logins";
const COOKIE = { httpOnly: true, secure: true, sameSite: "lax", path: "/" } as const;

type Cookies = Pick<NextRequest["cookies"], "get">;
type Completion = ReturnType<ReturnType<typeof createClient<{ token: string }>>["complete"]>;

/**
 * Create a client for one request of a browser.
 *
 * The browser keeps its logins in a cookie. If the server kept them, anyone could complete them.
 */
export function openLogin(cookies: Cookies, requestHeaders?: Headers) {
  let logins = cookies.get(LOGINS)?.value ?? null;
  const headers = new Headers();
  const token = cookies.get(SESSION)?.value;
  if (token) headers.set("Authorization", `Token ${token}`);
  // The API limits the requests of each address (THROTTLE_RATES).
  const addresses = requestHeaders?.get("X-Forwarded-For");
  if (addresses) headers.set("X-Forwarded-For", addresses);

  const social = createClient({
    baseUrl: API,
    headers,
    storage: {
      getItem: () => logins,
      // The newest three logins fit into the 4096 bytes of a cookie.
      setItem: (key, value) => (logins = JSON.stringify(JSON.parse(value).slice(-3))),
    },
  });

  /** Redirect, and store the logins. "//example.org" and "/\example.org" are other hosts. */
  function redirect(path: string, isProvider = false) {
    const url = URL.parse(path, APP);
    const target = url && (isProvider || url.origin === APP) ? url : APP;
    const response = NextResponse.redirect(target, 303);
    if (logins) response.cookies.set(LOGINS, logins, { ...COOKIE, maxAge: 1800 });
    return response;
  }

  function fail(reason: unknown) {
    if (!(reason instanceof SocialError)) throw reason;
    const { message, fields } = reason;
    // With field errors, the login is still paused, and the form is shown again.
    const isPaused = Object.keys(fields).length > 0;
    const response = redirect(isPaused ? "/login/continue" : "/login");
    response.cookies.set(ERROR, JSON.stringify({ message, fields }), { ...COOKIE, maxAge: 10 });
    return response;
  }

  /** Show what follows a completion: the page that the user wanted, a form, or an error. */
  async function follow(completion: Completion) {
    try {
      const result = await completion;
      if ("partial_token" in result) {
        return redirect(result.fields ? "/login/continue" : (result.redirect_to ?? "/"));
      }
      const response = redirect(result.next);
      if ("token" in result) {
        response.cookies.set(SESSION, result.token, { ...COOKIE, maxAge: 14 * 24 * 3600 });
      }
      return response;
    } catch (reason) {
      return fail(reason);
    }
  }

  return { social, redirect, fail, follow };
}
