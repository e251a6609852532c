/** The logic of popups. Browsers run them in the end-to-end tests. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { createClient } from "../client.js";
import {
  failure,
  leaveBrowser,
  MemoryStorage,
  openPage,
  REDIRECT_URI,
  startAPI,
} from "./support.js";

const api = await startAPI();
const OPTIONS = { redirectUri: REDIRECT_URI, next: "/next" };
const LOGIN = { token: "T", next: "/next" };

let page, popupWindow, listeners, hasFocus;

beforeEach(() => {
  page = openPage("https://app.example.com/");
  listeners = new Set();
  hasFocus = true;
  popupWindow = {
    closed: false,
    close: () => (popupWindow.closed = true),
    sessionStorage: new MemoryStorage(),
    location: { href: "about:blank" },
  };
  popupWindow.arrived = new Promise((resolve) => {
    popupWindow.location.replace = (url) => {
      Object.defineProperty(popupWindow.location, "href", {
        get() {
          throw new Error("SecurityError");
        },
      });
      resolve(url);
    };
  });
  globalThis.window = { open: () => popupWindow, close: () => popupWindow.close() };
  globalThis.document = { hasFocus: () => hasFocus };
  globalThis.addEventListener = (name, listener) => listeners.add(listener);
  globalThis.removeEventListener = (name, listener) => listeners.delete(listener);
});

afterEach(async () => {
  popupWindow.closed = hasFocus = true;
  for (const listener of listeners) listener();
  while (listeners.size) await wait(20);
  leaveBrowser();
  delete globalThis.addEventListener;
  delete globalThis.removeEventListener;
});

const newClient = () => createClient({ baseUrl: api.baseUrl });
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Open a popup; return the promise of the result, and the URL to which the provider sends it. */
async function openPopup(options) {
  const result = newClient().popup("oidc", { ...OPTIONS, ...options });
  result.catch(() => {}); // A test may look at it later.
  const state = new URL(await popupWindow.arrived).searchParams.get("state");
  return { result, url: `${REDIRECT_URI}?code=C${state ? `&state=${state}` : ""}` };
}

/** Run complete() on the callback page in the popup. */
function completeInPopup(url, { storage = popupWindow.sessionStorage, opener = {} } = {}) {
  globalThis.opener = opener;
  openPage(url, storage);
  return newClient().complete();
}

describe("a popup", () => {
  test("completes in its opener and closes", async () => {
    const { result, url } = await openPopup();
    const inPopup = completeInPopup(url);
    assert.deepEqual(await result, LOGIN);
    assert.deepEqual(await inPopup, { alreadyCompleted: true, next: "/next" });
    assert.ok(popupWindow.closed);
    assert.equal(api.posts().length, 1);
    assert.equal(listeners.size, 0);
  });

  test("connects with connect", async () => {
    const { result, url } = await openPopup({ connect: true });
    api.respond({ status: 201, body: { id: 7, provider: "oidc" } });
    completeInPopup(url);
    assert.deepEqual(await result, { id: 7, provider: "oidc", next: "/next" });
    assert.equal(api.posts()[0].path, "/auth/o/oidc/connect/");
  });

  // A Cross-Origin-Opener-Policy of the provider makes the window look closed.
  for (const [moment, duration, focus] of [
    ["before it was at the provider", 0, true],
    ["after it was at the provider", 150, false],
  ]) {
    test(`that loses its opener ${moment} completes in the opener`, async () => {
      hasFocus = focus;
      const { result, url } = await openPopup();
      await wait(duration);
      popupWindow.closed = true;
      await wait(250);
      completeInPopup(url, { opener: null });
      assert.deepEqual(await result, LOGIN);
    });
  }

  test("that loses its opener a moment before it gets the focus completes in the opener", async () => {
    const { result, url } = await openPopup();
    await wait(150);
    popupWindow.closed = true;
    await wait(100);
    hasFocus = false;
    await wait(400);
    completeInPopup(url, { opener: null });
    assert.deepEqual(await result, LOGIN);
  });

  test("without access to its storage completes in the opener", async () => {
    Object.defineProperty(popupWindow, "sessionStorage", {
      get() {
        throw new Error("SecurityError");
      },
    });
    const { result, url } = await openPopup();
    completeInPopup(url, { storage: new MemoryStorage() });
    assert.deepEqual(await result, LOGIN);
  });

  test("of a login without a state completes in its own opener", async () => {
    api.state = false;
    const { result, url } = await openPopup();
    completeInPopup(url);
    assert.deepEqual(await result, LOGIN);
  });

  test("whose opener does not respond completes itself", async () => {
    const { result, url } = await openPopup();
    const [[key]] = popupWindow.sessionStorage.items;
    await wait(150);
    popupWindow.closed = true;
    assert.equal((await failure(result)).code, "popup_closed"); // The opener stops listening.
    assert.deepEqual(await completeInPopup(url), LOGIN);
    assert.doesNotMatch(popupWindow.sessionStorage.getItem(key), /flow-|"code"/);
  });

  test("with an unknown state is refused by opener and popup", async () => {
    const { result } = await openPopup();
    const error = await failure(completeInPopup(`${REDIRECT_URI}?code=C&state=evil`));
    assert.equal(error.code, "session_context_missing");
    assert.deepEqual(api.posts(), []);
    popupWindow.close();
    assert.equal((await failure(result)).code, "popup_closed");
  });

  test("that the user closes is an error", async () => {
    const { result } = await openPopup();
    await wait(150);
    popupWindow.close();
    const error = await failure(result);
    assert.deepEqual([error.code, error.recovery], ["popup_closed", "restart_login"]);
    assert.equal(listeners.size, 0);
  });

  test("that the user closes before the provider has responded is an error", async () => {
    const { result } = await openPopup();
    popupWindow.close();
    for (const listener of listeners) listener(); // The opener has the focus again.
    assert.equal((await failure(result)).code, "popup_closed");
  });

  test("that stays closed is an error even if no event shows that the user has returned", async (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const { result } = await openPopup();
    popupWindow.close();
    t.mock.timers.tick(9_000);
    assert.equal(await Promise.race([result, "open"]), "open");
    t.mock.timers.tick(2_000);
    assert.equal((await failure(result)).code, "popup_closed");
  });

  test("that the user closes before the login has begun is an error", async () => {
    const result = newClient().popup("oidc", OPTIONS);
    popupWindow.close();
    assert.equal((await failure(result)).code, "popup_closed");
    assert.equal(listeners.size, 0);
  });

  test("closes if the login cannot begin", async () => {
    api.respond({ status: 404, body: { error_code: "provider_not_supported" } });
    const error = await failure(newClient().popup("x", OPTIONS));
    assert.equal(error.code, "provider_not_supported");
    assert.ok(popupWindow.closed);
  });

  test("reports the refusal of the completion to its opener", async () => {
    const { result, url } = await openPopup();
    api.respond({ status: 400, body: { error_code: "inactive", error_recovery: "none" } });
    completeInPopup(url);
    assert.equal((await failure(result)).code, "inactive");
  });

  test("may pause, and the opener resumes", async () => {
    const { result, url } = await openPopup();
    const paused = { partial_token: "P", redirect_to: null, fields: [] };
    api.respond({ status: 202, body: { ...paused, flow: "flow-P" } });
    completeInPopup(url);
    assert.deepEqual(await result, { ...paused, next: "/next" });
    assert.deepEqual(await newClient().resume("P", {}), LOGIN);
    assert.equal(api.posts()[1].body.flow, "flow-P");
  });
});

test("a blocked popup is a redirect of the page", async () => {
  window.open = () => null;
  newClient().popup("oidc", OPTIONS);
  for (let count = 0; count < 100 && !page.assigned.length; count++) await wait(10);
  const { searchParams } = new URL(page.assigned[0]);
  openPage(`${REDIRECT_URI}?code=C&state=${searchParams.get("state")}`, page.storage);
  assert.deepEqual(await newClient().complete(), LOGIN);
});
