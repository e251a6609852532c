import assert from "node:assert/strict";
import { test } from "node:test";

import { API, APP, authorize, requests } from "./environment.mjs";

const { NextRequest } = await import("next/server");
const { POST: begin } = await import("./nextjs/app/login/[provider]/route");
const { GET: complete } = await import("./nextjs/app/login/callback/route");
const { POST: resume } = await import("./nextjs/app/login/resume/route");
const { POST: signOut } = await import("./nextjs/app/logout/route");

let browsers = 0;

/** A browser with its own address. Next.js passes its requests to the routes. */
class Browser {
  address = `192.0.2.${++browsers}`;
  cookies = new Map();

  async send(route, path, { form, provider } = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { cookie, "X-Forwarded-For": this.address };
    const init = { method: form ? "POST" : "GET", headers };
    if (form) init.body = new URLSearchParams(form);
    const request = new NextRequest(new URL(path, APP), init);
    const response = await route(request, { params: Promise.resolve({ provider }) });
    for (const line of response.headers.getSetCookie()) this.accept(line);
    assert.equal(response.status, 303);
    return response.headers.get("Location");
  }

  accept(line) {
    const [pair, ...attributes] = line.split("; ");
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    // What the prefix requires: browsers ignore other cookies, even those that delete one.
    assert.ok(name.startsWith("__Host-") && attributes.includes("Secure"), line);
    assert.ok(attributes.includes("Path=/") && !/Domain/i.test(line), line);
    assert.ok(line.length < 4096, line);
    if (attributes.includes("Max-Age=0")) return this.cookies.delete(name);
    assert.ok(attributes.includes("HttpOnly") && attributes.includes("SameSite=lax"), line);
    this.cookies.set(name, value);
  }

  begin(next = "/projects?page=2") {
    return this.send(begin, "/login/oidc", { form: { next }, provider: "oidc" });
  }

  complete(callback) {
    return this.send(complete, callback);
  }

  get session() {
    return this.cookies.get("__Host-session");
  }

  get error() {
    return JSON.parse(decodeURIComponent(this.cookies.get("__Host-login-error")));
  }
}

test("first login asks for the terms", async () => {
  const browser = new Browser();
  const callback = await authorize(await browser.begin());
  assert.equal(await browser.complete(callback), `${APP}/login/continue`);
  assert.equal(browser.session, undefined);
  const refused = await browser.send(resume, "/login/resume", { form: { plan: "team" } });
  assert.equal(refused, `${APP}/login/continue`);
  assert.deepEqual(Object.keys(browser.error.fields), ["terms"]);
  const form = { terms: "on", plan: "team" };
  const target = await browser.send(resume, "/login/resume", { form });
  assert.equal(target, `${APP}/projects?page=2`);
  assert.ok(browser.session);
});

test("only the browser that began the login completes it", async () => {
  const browser = new Browser();
  const stranger = new Browser();
  const callback = await authorize(await browser.begin());
  await stranger.begin();
  requests.length = 0;
  assert.equal(await stranger.complete(callback), `${APP}/login`);
  assert.equal(stranger.session, undefined);
  assert.deepEqual(requests, []);
  assert.equal(await browser.complete(callback), `${APP}/projects?page=2`);
  assert.ok(browser.session);
});

test("callback that is opened again leads to the same page", async () => {
  const browser = new Browser();
  const callback = await authorize(await browser.begin());
  await browser.complete(callback);
  requests.length = 0;
  assert.equal(await browser.complete(callback), `${APP}/projects?page=2`);
  assert.deepEqual(requests, []);
});

test("three logins can be open", async () => {
  const browser = new Browser();
  const callbacks = [];
  for (const page of [1, 2, 3, 4]) {
    callbacks.push(await authorize(await browser.begin(`/projects?page=${page}`)));
  }
  const targets = [];
  for (const callback of callbacks) targets.push(await browser.complete(callback));
  const pages = [2, 3, 4].map((page) => `${APP}/projects?page=${page}`);
  assert.deepEqual(targets, [`${APP}/login`, ...pages]);
});

test("declined login leads back to the sign-in page", async () => {
  const browser = new Browser();
  const { searchParams } = new URL(await authorize(await browser.begin()));
  const query = new URLSearchParams({ error: "access_denied", state: searchParams.get("state") });
  assert.equal(await browser.complete(`/login/callback?${query}`), `${APP}/login`);
  assert.ok(browser.error.message);
});

test("unknown provider leads back to the sign-in page", async () => {
  const browser = new Browser();
  const options = { form: {}, provider: "unknown" };
  assert.equal(await browser.send(begin, "/login/unknown", options), `${APP}/login`);
});

const FOREIGN = ["//example.org", "/\\example.org", "https://example.org", "javascript:alert(1)"];
for (const next of FOREIGN) {
  test(`${next} is not shown after the login`, async () => {
    const browser = new Browser();
    const target = await browser.complete(await authorize(await browser.begin(next)));
    assert.equal(new URL(target).origin, APP);
  });
}

test("sign-out ends the login at the API", async () => {
  const browser = new Browser();
  await browser.complete(await authorize(await browser.begin()));
  const headers = { Authorization: `Token ${browser.session}` };
  const connections = `${API}/auth/connections/`;
  assert.equal((await fetch(connections, { headers })).status, 200);
  assert.equal(await browser.send(signOut, "/logout", { form: {} }), `${APP}/`);
  assert.equal(browser.session, undefined);
  assert.equal((await fetch(connections, { headers })).status, 401);
});

test("API limits each browser by its address", async () => {
  const [browser, other] = [new Browser(), new Browser()];
  for (let count = 0; count < Number(process.env.LIMIT); count++) await browser.begin();
  assert.equal(await browser.begin(), `${APP}/login`);
  assert.notEqual(await other.begin(), `${APP}/login`);
});
