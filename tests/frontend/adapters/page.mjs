// A page in a browser, and the test of an adapter that draws it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Window } from "happy-dom";

import { APP, authorize, disconnect, requests, until } from "./environment.mjs";

// When the page leaves for the provider, only its URL changes.
const settings = { navigation: { disableMainFrameNavigation: true } };
const window = new Window({ url: APP, settings });
const replaced = new Set(["CustomEvent", "Event", "FormData", "navigator"]);
for (let object = window; object !== Object.prototype; object = Object.getPrototypeOf(object)) {
  for (const name of Object.getOwnPropertyNames(object)) {
    if (name in globalThis && !replaced.delete(name)) continue;
    const get = () => window[name];
    Object.defineProperty(globalThis, name, { configurable: true, get, set: () => {} });
  }
}
globalThis.window = window;

const { body } = document;
const find = (selector, text = "") =>
  [...body.querySelectorAll(selector)].find((element) => element.textContent.includes(text));
const click = async (text) => (await until(() => find("button", text))).click();
const posts = () => requests.filter(({ request }) => request.startsWith("POST"));
const path = () => location.pathname + location.search;

/** Show another page of the app, as the buttons of the browser do. */
function move(url) {
  history.pushState(null, "", url);
  dispatchEvent(new PopStateEvent("popstate", { state: null }));
}

/**
 * Test an adapter.
 *
 * @param session The module of the adapter.
 * @param show Draws the page of the current URL: /login, /login/callback, or one with an h1. Returns
 *     a function that removes it.
 */
export function testAdapter(session, show) {
  let remove = () => {};

  async function open(url) {
    await remove();
    window.happyDOM.setURL(new URL(url, APP).href);
    requests.length = 0;
    body.innerHTML = "<app-root></app-root>";
    remove = await show(body.firstChild);
  }

  /** Click the provider's button, and sign in there. Returns the URL of the callback page. */
  async function leave(next = "/projects?page=2") {
    sessionStorage.removeItem("token");
    await open(`/login?${new URLSearchParams({ next })}`);
    await click("OpenID Connect");
    return atProvider();
  }

  const atProvider = async () =>
    authorize(await until(() => location.origin !== APP && location.href));

  const arrive = () => until(() => find("h1", "Page"));

  test("first login asks for the terms", async () => {
    await open(await leave());
    await click("Continue");
    await until(() => find("em", "Please accept the terms."));
    body.querySelector("input[name=terms]").click();
    body.querySelector("select").value = "team";
    await click("Continue");
    await arrive();
    assert.equal(path(), "/projects?page=2");
    assert.ok(sessionStorage.getItem("token"));
    assert.equal(posts().length, 3);
  });

  test("login sends one request and removes the code from the URL", async () => {
    await open(await leave());
    await until(() => find("[role=status]", "Signing in"));
    await arrive();
    assert.deepEqual(posts(), [{ request: "POST /auth/o/oidc/", page: `${APP}/login/callback` }]);
  });

  test("user who leaves the callback page stays where they are", async () => {
    await open(await leave());
    await until(() => posts().length === 1);
    move("/elsewhere");
    await until(() => sessionStorage.getItem("token"));
    await arrive();
    assert.equal(path(), "/elsewhere");
    move("/login/callback");
    await until(() => path() === "/projects?page=2");
    assert.equal(posts().length, 1);
  });

  test("declined login leads back to the sign-in page", async () => {
    const callback = new URL(await leave());
    const state = callback.searchParams.get("state");
    await open(`${callback.pathname}?${new URLSearchParams({ error: "access_denied", state })}`);
    await until(() => find("[role=alert]")?.textContent.length > 20);
    find("a", "Back to sign-in").click();
    await until(() => find("button", "OpenID Connect"));
    assert.equal(path(), "/login");
  });

  test("login without a network is tried again", async () => {
    const callback = await leave();
    disconnect(1);
    await open(callback);
    await click("Try again");
    await arrive();
    assert.equal(posts().length, 2);
  });

  test("page of another site is not shown after the login", async () => {
    await open(await leave("//example.org/"));
    await arrive();
    assert.equal(path(), "/");
  });

  test("list of providers without a network is tried again", async () => {
    sessionStorage.removeItem("token");
    disconnect(1);
    await open("/login");
    await click("Try again");
    await until(() => find("button", "GitHub"));
  });

  test("button without a network shows the error", async () => {
    sessionStorage.removeItem("token");
    await open("/login");
    await until(() => find("button", "OpenID Connect"));
    disconnect(1);
    await click("OpenID Connect");
    await until(() => find("[role=alert]")?.textContent.length > 10);
    assert.equal(location.origin, APP);
  });

  test("callback page completes a connect", async () => {
    await open(await leave());
    await arrive();
    void session.connect({ name: "oidc" }, "/account");
    await open(await atProvider());
    await arrive();
    assert.equal(path(), "/account");
    assert.equal(posts()[0].request, "POST /auth/o/oidc/connect/");
  });

  test("sign-out ends the login and forgets the token", async () => {
    await open(await leave());
    await arrive();
    await open("/login");
    await click("Sign out");
    await until(() => find("button", "OpenID Connect"));
    assert.equal(sessionStorage.getItem("token"), null);
    assert.equal(posts()[0].request, "POST /auth/logout/");
    await remove();
  });
}
