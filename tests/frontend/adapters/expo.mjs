import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";

import { API, disconnect, until } from "./environment.mjs";
import { device } from "./native.mjs";

const native = new URL("native.mjs", import.meta.url).href;
registerHooks({
  resolve(specifier, context, next) {
    if (/^expo-|google-signin/.test(specifier)) return next(native, context);
    const { url, ...resolved } = next(specifier, context);
    // A process of the app has its own modules.
    const [, process] = context.parentURL?.split("?") ?? [];
    return { url: process && url.includes("/expo/") ? `${url}?${process}` : url, ...resolved };
  },
});

const startApp = async (process) => ({
  ...(await import(`./expo/browser.js?${process}`)),
  ...(await import(`./expo/sdk.js?${process}`)),
  ...(await import(`./expo/session.js?${process}`)),
});
const app = await startApp("first");

async function acceptTerms(login) {
  assert.deepEqual(
    login.fields.map(({ name }) => name),
    ["terms", "plan"],
  );
  return app.resume(login.partial_token, { terms: true, plan: "free" });
}

/** Return the providers that are connected to the signed-in user, or the status of the error. */
async function listProviders(headers) {
  headers ??= await app.authorization();
  const response = await fetch(`${API}/auth/connections/`, { headers });
  if (!response.ok) return response.status;
  return (await response.json()).map(({ provider }) => provider).sort();
}

test("browser of the system signs in", async () => {
  const login = await acceptTerms(await app.signInWithBrowser("oidc", "/projects"));
  assert.equal(login.next, "/projects");
  assert.deepEqual(await listProviders(), ["oidc"]);
});

test("closed browser does not sign in", async () => {
  device.closesBrowser = true;
  assert.equal(await app.signInWithBrowser("oidc"), null);
  assert.equal(await app.signInWithGoogle(), null);
  device.closesBrowser = false;
});

test("login continues in a new process of the app", async () => {
  await app.signOut();
  device.endsApp = true;
  void app.signInWithBrowser("oidc", "/projects");
  await until(() => device.initialURL);
  device.endsApp = false;
  const second = await startApp("second");
  const { next } = await second.completeAfterRestart();
  assert.equal(next, "/projects");
  assert.deepEqual(await listProviders(), ["oidc"]);
});

test("sign-out ends the login", async () => {
  await app.signInWithBrowser("oidc");
  const headers = await app.authorization();
  await app.signOut();
  assert.deepEqual(await app.authorization(), {});
  assert.equal(await listProviders(headers), 401);
});

test("sign-out without a network removes the token from the device", async () => {
  await app.signInWithBrowser("oidc");
  disconnect(1);
  await app.signOut();
  assert.deepEqual(await app.authorization(), {});
});

test("SDK of Apple signs in with a nonce", async () => {
  await acceptTerms(await app.signInWithApple());
  assert.deepEqual(await listProviders(), ["apple-id"]);
});

test("second sign-in with Apple has no name", async () => {
  await app.signInWithApple();
  assert.deepEqual(await listProviders(), ["apple-id"]);
});

test("browser connects one more provider", async () => {
  const connection = await app.connectWithBrowser("oidc").catch((error) => error);
  assert.equal(connection.code, "identity_in_use");
});

test("SDK of Google signs in with an access token", async () => {
  await app.signOut();
  await acceptTerms(await app.signInWithGoogle());
  assert.deepEqual(await listProviders(), ["google-oauth2"]);
});
