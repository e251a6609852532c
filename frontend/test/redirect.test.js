/** Sign-in by redirect: begin, the callback page, and its reloads. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { createClient, SocialError } from "../client.js";
import {
  failure,
  leaveBrowser,
  MemoryStorage,
  openPage,
  REDIRECT_URI,
  startAPI,
} from "./support.js";

const api = await startAPI();
const MISSING = { name: "SocialError", code: "session_context_missing", recovery: "restart_login" };

afterEach(leaveBrowser);

const newClient = (options) => createClient({ baseUrl: api.baseUrl, ...options });

/** Begin a login in a new tab; return its storage, and the state. */
async function beginLogin({ method = "signIn", provider = "oidc", storage, ...options } = {}) {
  const page = openPage("https://app.example.com/", storage);
  await newClient()[method](provider, { redirectUri: REDIRECT_URI, next: "/next", ...options });
  const state = new URL(page.assigned[0]).searchParams.get("state");
  return { storage: page.storage, state, page };
}

const callback = (state, query = "code=C") => `${REDIRECT_URI}?${query}&state=${state}`;

describe("signIn", () => {
  test("sends the browser to the provider", async () => {
    const { page } = await beginLogin({ params: { idp: "school" } });
    assert.equal(page.assigned.length, 1);
    assert.match(page.assigned[0], /^https:\/\/provider\.example\/authorize\?/);
    const [{ path, query }] = api.requests;
    assert.equal(path, "/auth/o/oidc/");
    assert.deepEqual(query, { idp: "school", redirect_uri: REDIRECT_URI });
  });

  test("resolves to what navigate returns", async () => {
    openPage("https://app.example.com/");
    const navigate = async (url) => ({ type: "success", url });
    const { type, url } = await newClient().signIn("oidc", { redirectUri: REDIRECT_URI, navigate });
    assert.equal(type, "success");
    assert.match(url, /^https:\/\/provider/);
  });

  test("encodes the name of the provider", async () => {
    await beginLogin({ provider: "a/b?c" });
    assert.equal(api.requests[0].path, "/auth/o/a%2Fb%3Fc/");
  });

  test("cannot be given another redirect URI by params", async () => {
    await beginLogin({ params: { redirect_uri: "https://evil.example/" } });
    assert.equal(api.requests[0].query.redirect_uri, REDIRECT_URI);
  });

  test("rejects a next that is not JSON", async () => {
    openPage("https://app.example.com/");
    const next = {};
    next.next = next;
    const error = await failure(newClient().signIn("oidc", { redirectUri: REDIRECT_URI, next }));
    assert.ok(error instanceof TypeError);
  });

  test("that is refused stores nothing", async () => {
    const page = openPage("https://app.example.com/");
    api.respond({ status: 404, body: { detail: "Provider 'x' not supported" } });
    await failure(newClient().signIn("x", { redirectUri: REDIRECT_URI }));
    assert.deepEqual([...page.storage.items], []);
    assert.deepEqual(page.assigned, []);
  });
});

describe("complete", () => {
  test("posts what the provider sent, with the flow, and returns next", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state, "code=C&iss=https%3A%2F%2Fidp&scope=a+b"), storage);
    assert.deepEqual(await newClient().complete(), { token: "T", next: "/next" });
    const [{ path, body, headers }] = api.posts();
    assert.equal(path, "/auth/o/oidc/");
    assert.equal(headers["content-type"], "application/json");
    const flow = `flow-${state.slice(6)}`;
    assert.deepEqual(body, { code: "C", iss: "https://idp", scope: "a b", state, flow });
  });

  test("posts no flow with the cookie transport", async () => {
    api.flow = false;
    const { storage, state } = await beginLogin();
    openPage(callback(state, "code=C&flow=evil"), storage);
    await newClient().complete();
    assert.deepEqual(api.posts()[0].body, { code: "C", state });
  });

  test("does not let a callback replace its own parameters", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state, "code=C&flow=evil&partial_token=evil&__proto__=evil"), storage);
    await newClient().complete();
    const { body } = api.posts()[0];
    assert.equal(body.flow, `flow-${state.slice(6)}`);
    assert.ok(!("partial_token" in body));
    assert.equal(Object.getOwnPropertyDescriptor(body, "__proto__").value, "evil");
  });

  test("posts the parameters of a fragment", async () => {
    const { storage, state } = await beginLogin();
    const page = openPage(`${REDIRECT_URI}#id_token=a.b.c&state=${state}`, storage);
    await newClient().complete();
    const flow = `flow-${state.slice(6)}`;
    assert.deepEqual(api.posts()[0].body, { id_token: "a.b.c", state, flow });
    assert.equal(page.href, REDIRECT_URI);
  });

  test("posts the last value of a repeated parameter", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state, "code=first&code=last"), storage);
    await newClient().complete();
    assert.equal(api.posts()[0].body.code, "last");
  });

  test("posts an error of the provider, and the user can accept afterwards", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state, "error=access_denied"), storage);
    api.respond({ status: 400, body: { error_code: "auth_canceled", non_field_errors: ["No."] } });
    assert.equal((await failure(newClient().complete())).code, "auth_canceled");
    assert.equal(api.posts()[0].body.error, "access_denied");

    openPage(callback(state), storage);
    assert.equal((await newClient().complete()).token, "T");
    assert.equal(api.posts()[1].body.flow, `flow-${state.slice(6)}`);
  });

  test("posts to connect/ after connect", async () => {
    const params = { scope: "repo gist" };
    const { storage, state } = await beginLogin({ method: "connect", params });
    assert.equal(api.requests[0].path, "/auth/o/oidc/connect/");
    assert.equal(api.requests[0].query.scope, "repo gist");
    openPage(callback(state), storage);
    api.respond({ status: 201, body: { id: 7, provider: "oidc", title: "OIDC" } });
    const connected = { id: 7, provider: "oidc", title: "OIDC", next: "/next" };
    assert.deepEqual(await newClient().complete(), connected);
    assert.equal(api.posts()[0].path, "/auth/o/oidc/connect/");
  });

  test("completes each of several logins of a tab", async () => {
    const first = await beginLogin({ provider: "one", next: 1 });
    const second = await beginLogin({ provider: "two", next: 2, storage: first.storage });
    for (const [login, provider, next] of [
      [first, "one", 1],
      [second, "two", 2],
    ]) {
      openPage(callback(login.state), first.storage);
      assert.deepEqual(await newClient().complete(), { token: "T", next });
      assert.equal(api.posts().at(-1).path, `/auth/o/${provider}/`);
    }
  });

  test("with an unknown state posts nothing", async () => {
    const { storage } = await beginLogin();
    const page = openPage(callback("unknown"), storage);
    const error = await failure(newClient().complete());
    assert.ok(error instanceof SocialError);
    assert.deepEqual(
      { ...error, name: error.name, message: "" },
      {
        ...MISSING,
        message: "",
        stage: null,
        id: null,
        fields: {},
        status: 0,
        retryAfter: null,
      },
    );
    assert.deepEqual(api.posts(), []);
    assert.deepEqual(page.replaced, []);
  });

  test("in another tab than the login posts nothing", async () => {
    const { state } = await beginLogin();
    openPage(callback(state));
    assert.equal((await failure(newClient().complete())).code, MISSING.code);
    assert.deepEqual(api.posts(), []);
  });

  test("where nothing was begun is rejected", async () => {
    openPage(REDIRECT_URI);
    assert.equal((await failure(newClient().complete())).recovery, "restart_login");
  });

  for (const url of [undefined, "", "/login/callback", "/login/callback?code=C&state=S"]) {
    test(`outside of a browser with ${JSON.stringify(url)} is rejected`, async () => {
      assert.equal((await failure(newClient().complete(url))).code, MISSING.code);
      assert.deepEqual(api.requests, []);
    });
  }

  test("with an invalid URL rejects", async () => {
    assert.ok((await failure(newClient().complete("https://["))) instanceof TypeError);
  });

  test("takes a text, a URL or a location", async () => {
    for (const convert of [String, (url) => new URL(url), (href) => ({ href })]) {
      const { storage, state } = await beginLogin();
      const page = openPage("https://app.example.com/elsewhere?a=1", storage);
      assert.equal((await newClient().complete(convert(callback(state)))).token, "T");
      assert.deepEqual(page.replaced, []); // It is not the URL of the page.
    }
  });
});

describe("a login without a state", () => {
  test("is found by any callback without a record", async () => {
    api.state = false;
    const { storage } = await beginLogin({ provider: "saml" });
    const page = openPage(callback("handoff"), storage);
    assert.equal((await newClient().complete()).token, "T");
    assert.equal(api.posts()[0].path, "/auth/o/saml/");

    for (const url of [page.href, callback("handoff")]) {
      openPage(url, storage);
      assert.deepEqual(await newClient().complete(), { alreadyCompleted: true, next: "/next" });
    }
    openPage(callback("another"), storage);
    assert.equal((await failure(newClient().complete())).code, MISSING.code);
    assert.equal(api.posts().length, 1);
  });

  test("is the newest one", async () => {
    api.state = false;
    const { storage } = await beginLogin({ provider: "one" });
    await beginLogin({ provider: "two", storage });
    openPage(`${REDIRECT_URI}?code=C`, storage);
    await newClient().complete();
    assert.equal(api.posts()[0].path, "/auth/o/two/");
  });

  test("is found by the token of OAuth 1.0a", async () => {
    api.state = false;
    api.query = { oauth_token: "first" };
    const { storage } = await beginLogin({ provider: "one" });
    api.query = { oauth_token: "second" };
    await beginLogin({ provider: "two", storage });
    delete api.query;
    for (const [query, provider] of [
      ["oauth_token=first&oauth_verifier=V", "one"],
      ["denied=second", "two"],
    ]) {
      openPage(`${REDIRECT_URI}?${query}`, storage);
      await newClient().complete();
      assert.equal(api.posts().at(-1).path, `/auth/o/${provider}/`);
    }
  });

  test("gives way to a login with the state of the callback", async () => {
    const { storage, state } = await beginLogin({ provider: "oidc" });
    api.state = false;
    await beginLogin({ provider: "saml", storage });
    openPage(callback(state), storage);
    await newClient().complete();
    assert.equal(api.posts()[0].path, "/auth/o/oidc/");
  });
});

describe("the URL of the callback page", () => {
  const cases = [
    ["loses the parameters", "", "?code=C&state=S", ""],
    [
      "keeps those of the redirect URI",
      "?tab=a%20b&x",
      "?tab=a%20b&x&code=C&state=S",
      "?tab=a%20b&x",
    ],
    ["does not keep other values of them", "?tab=1", "?tab=1&tab=evil&state=S", "?tab=1"],
    ["keeps the path of a hash router", "", "?code=C&state=S#/account?a=1", "#/account?a=1"],
    ["keeps an anchor", "", "?code=C&state=S#top", "#top"],
    ["loses what Facebook adds", "", "?code=C&state=S#_=_", ""],
  ];
  for (const [result, own, received, cleaned] of cases) {
    test(result, async () => {
      const { storage, state } = await beginLogin({ redirectUri: REDIRECT_URI + own });
      const page = openPage(REDIRECT_URI + received.replace("=S", `=${state}`), storage);
      const promise = newClient().complete();
      assert.equal(page.href, REDIRECT_URI + cleaned); // At once, and not after the response.
      assert.deepEqual(page.replaced[0][0], { router: "state" });
      await promise;

      openPage(page.href, storage);
      assert.deepEqual(await newClient().complete(), { alreadyCompleted: true, next: "/next" });
    });
  }

  test("loses the parameters if the redirect URI is relative", async () => {
    const { storage, state } = await beginLogin({ redirectUri: "/login/callback?tab=1" });
    const page = openPage(`${REDIRECT_URI}?tab=1&code=C&state=${state}`, storage);
    await newClient().complete();
    assert.equal(page.href, `${REDIRECT_URI}?tab=1`);
  });

  test("keeps the path that the server has chosen", async () => {
    const { storage, state } = await beginLogin();
    const page = openPage(`https://app.example.com/de/login/?code=C&state=${state}`, storage);
    await newClient().complete();
    assert.equal(page.href, "https://app.example.com/de/login/");
  });
});

describe("calls that repeat complete()", () => {
  test("before the response share it, and then return alreadyCompleted", async () => {
    const { storage, state } = await beginLogin();
    const page = openPage(callback(state), storage);
    const client = newClient();
    const url = callback(state); // A URL from before it was cleaned.
    const results = await Promise.all([client.complete(), client.complete(), client.complete(url)]);
    for (const result of results) assert.deepEqual(result, { token: "T", next: "/next" });
    for (const argument of [undefined, url]) {
      const result = await client.complete(argument);
      assert.deepEqual(result, { alreadyCompleted: true, next: "/next" });
    }
    assert.equal(api.posts().length, 1);
    assert.equal(page.replaced.length, 1);
  });

  test("after a page has cleared the storage do not return the token", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state), storage);
    const client = newClient();
    await client.complete();
    storage.items.clear();
    assert.equal((await failure(client.complete())).code, MISSING.code);
  });

  test("after a refusal reject again", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state), storage);
    api.respond({ status: 400, body: { error_code: "inactive", error_recovery: "none" } });
    const client = newClient();
    const first = await failure(client.complete());
    assert.equal(await failure(client.complete()), first);
    assert.equal(api.posts().length, 1);
  });

  for (const [reason, response] of [
    ["an error of the network", { cut: true }],
    ["retry_later", { status: 503, body: { error_code: "x", error_recovery: "retry_later" } }],
    // The server has used nothing up. The page refreshes the access token, or lets the user sign in.
    ["an expired access token", { status: 401, body: { error_recovery: "reauthenticate" } }],
    ["a login that is not recent", { status: 403, body: { error_recovery: "reauthenticate" } }],
  ]) {
    test(`after ${reason} send the callback again, which is not stored`, async () => {
      const { storage, state } = await beginLogin();
      const page = openPage(callback(state, "code=secret"), storage);
      api.respond(response);
      const client = newClient();
      const recovery = response.body?.error_recovery ?? "retry_later";
      assert.equal((await failure(client.complete())).recovery, recovery);
      assert.equal(page.href, REDIRECT_URI);
      assert.doesNotMatch(JSON.stringify([...storage.items]), /secret/);
      assert.equal((await client.complete()).token, "T");
      assert.deepEqual(api.posts()[0].body, api.posts()[1].body);
    });
  }

  test("after an error of the headers function send the callback", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state), storage);
    let calls = 0;
    const headers = async () => {
      if (!calls++) throw new RangeError("no token");
    };
    const client = newClient({ headers });
    assert.equal((await failure(client.complete())).message, "no token");
    assert.equal((await client.complete()).token, "T");
  });

  test("after a new login do not return the earlier token", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state), storage);
    const client = newClient();
    await client.complete();
    await client.signIn("oidc", { redirectUri: REDIRECT_URI });
    assert.equal((await failure(client.complete())).code, MISSING.code);
  });
});

describe("a reload of the callback page", () => {
  test("after success returns alreadyCompleted", async () => {
    const { storage, state } = await beginLogin();
    const page = openPage(callback(state), storage);
    await newClient().complete();
    for (const url of [page.href, callback(state)]) {
      // The second URL is that of the back button: the history may still contain it.
      const reloaded = openPage(url, storage);
      assert.deepEqual(await newClient().complete(), { alreadyCompleted: true, next: "/next" });
      assert.equal(reloaded.href, REDIRECT_URI);
    }
    openPage(`${page.href}?language=de`, storage); // The page itself has added a parameter.
    assert.deepEqual(await newClient().complete(), { alreadyCompleted: true, next: "/next" });
    assert.equal(api.posts().length, 1);
  });

  test("in a duplicate of the tab returns alreadyCompleted", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state), storage);
    await newClient().complete();
    openPage(REDIRECT_URI, storage.copy());
    assert.deepEqual(await newClient().complete(), { alreadyCompleted: true, next: "/next" });
  });

  test("after a refusal rejects with the same error", async () => {
    const { storage, state } = await beginLogin();
    const page = openPage(callback(state, "code=secret"), storage);
    const body = { error_code: "inactive", error_recovery: "none", non_field_errors: ["No."] };
    api.respond({ status: 400, body });
    const first = await failure(newClient().complete());
    openPage(page.href, storage);
    const second = await failure(newClient().complete());
    assert.ok(second instanceof SocialError);
    assert.deepEqual([{ ...second }, second.message], [{ ...first }, "No."]);
    assert.equal(api.posts().length, 1);
    assert.doesNotMatch(JSON.stringify([...storage.items]), /secret/);

    openPage(callback(state), storage);
    await newClient().complete();
    openPage(page.href, storage);
    assert.deepEqual(await newClient().complete(), { alreadyCompleted: true, next: "/next" });
  });

  test("after an error of the network rejects with restart_login", async () => {
    const { storage, state } = await beginLogin();
    const page = openPage(callback(state), storage);
    api.respond({ cut: true });
    assert.equal((await failure(newClient().complete())).recovery, "retry_later");
    openPage(page.href, storage); // The code is lost.
    assert.equal((await failure(newClient().complete())).recovery, "restart_login");
  });

  test("during the request rejects", async () => {
    const { storage, state } = await beginLogin();
    const page = openPage(callback(state), storage);
    api.respond({ status: 201, delay: 50 });
    const pending = newClient().complete();
    openPage(page.href, storage);
    assert.equal((await failure(newClient().complete())).recovery, "restart_login");
    await pending;
  });

  test("during the request for an older login than the completed one rejects", async () => {
    const older = await beginLogin();
    const newer = await beginLogin({ storage: older.storage });
    openPage(callback(newer.state), older.storage);
    await newClient().complete();
    const page = openPage(callback(older.state), older.storage);
    api.respond({ status: 201, delay: 50 });
    const pending = newClient().complete();
    openPage(page.href, older.storage);
    assert.equal((await failure(newClient().complete())).code, MISSING.code);
    await pending;
  });

  test("after a newer login was begun rejects", async () => {
    const { storage, state } = await beginLogin();
    const page = openPage(callback(state), storage);
    await newClient().complete();
    await beginLogin({ storage });
    openPage(page.href, storage);
    assert.equal((await failure(newClient().complete())).code, MISSING.code);
  });

  test("after an older login was completed returns its next", async () => {
    const first = await beginLogin({ next: "first" });
    await beginLogin({ next: "second", storage: first.storage });
    const page = openPage(callback(first.state), first.storage);
    await newClient().complete();
    openPage(page.href, first.storage);
    assert.deepEqual(await newClient().complete(), { alreadyCompleted: true, next: "first" });
  });
});

describe("the storage", () => {
  test("keeps the newest logins only, and without codes or flows of completed ones", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state, "code=secret"), storage);
    await newClient().complete();
    assert.doesNotMatch(JSON.stringify([...storage.items]), /secret|flow-/);
    for (let count = 0; count < 20; count++) await beginLogin({ storage });
    const [[, text]] = storage.items;
    assert.equal(JSON.parse(text).length, 10);
  });

  test("is not shared by clients of different APIs", async () => {
    const { storage, state } = await beginLogin();
    openPage(callback(state), storage);
    const other = newClient({ baseUrl: api.baseUrl.replace("/auth/", "/other/") });
    assert.equal((await failure(other.complete())).code, MISSING.code);
    const same = newClient({ baseUrl: api.baseUrl.replace(/\/$/, "") });
    assert.equal((await same.complete()).token, "T");
  });

  for (const text of ["{", "null", "7", '"x"', "[null, 1, {}]", '{"a": 1}']) {
    test(`that contains ${text} is replaced`, async () => {
      const { storage } = await beginLogin();
      const [[key]] = storage.items;
      storage.setItem(key, text);
      openPage(REDIRECT_URI, storage);
      assert.equal((await failure(newClient().complete())).code, MISSING.code);
      const { state } = await beginLogin({ storage });
      openPage(callback(state), storage);
      assert.equal((await newClient().complete()).token, "T");
    });
  }

  test("that is full or denied is replaced by the memory", async () => {
    const full = new MemoryStorage();
    full.setItem = () => {
      throw new Error("QuotaExceededError");
    };
    const denied = () => {
      throw new Error("SecurityError");
    };
    for (const define of [
      () => (globalThis.sessionStorage = full),
      () =>
        Object.defineProperty(globalThis, "sessionStorage", { get: denied, configurable: true }),
    ]) {
      openPage("https://app.example.com/");
      define();
      const client = newClient();
      const navigate = (url) => new URL(url).searchParams.get("state");
      const state = await client.signIn("oidc", { redirectUri: REDIRECT_URI, navigate });
      assert.equal((await client.complete(callback(state))).token, "T");
      leaveBrowser();
    }
  });

  test("outside of a browser is the memory of one client", async () => {
    globalThis.sessionStorage = new MemoryStorage(); // Node.js 25 has one.
    const client = newClient();
    const navigate = (url) => new URL(url).searchParams.get("state");
    const redirectUri = "com.example.app:/callback";
    const state = await client.signIn("oidc", { redirectUri, navigate });
    const url = `${redirectUri}?code=C&state=${state}`;
    assert.equal((await failure(newClient().complete(url))).code, MISSING.code);
    assert.equal((await client.complete(url)).token, "T");
  });

  test("of a server's client does not return the result of another user", async () => {
    const client = newClient();
    const navigate = (url) => new URL(url).searchParams.get("state");
    const state = await client.signIn("oidc", { redirectUri: REDIRECT_URI, navigate });
    await client.complete(callback(state));
    const result = await client.complete(REDIRECT_URI);
    assert.deepEqual(Object.keys(result), ["alreadyCompleted", "next"]);
  });

  test("can be given, and shared by tabs", async () => {
    const storage = new MemoryStorage();
    openPage("https://app.example.com/");
    const navigate = (url) => new URL(url).searchParams.get("state");
    const options = { redirectUri: REDIRECT_URI, navigate };
    const state = await newClient({ storage }).signIn("oidc", options);
    openPage(callback(state));
    assert.equal((await newClient({ storage }).complete()).token, "T");
  });
});

describe("next", () => {
  for (const next of [undefined, null, 0, "//evil.example", { tab: [1] }]) {
    test(`returns ${JSON.stringify(next)} as it was given`, async () => {
      const { storage, state } = await beginLogin({ next });
      openPage(`${callback(state)}&next=//other.example`, storage);
      assert.deepEqual((await newClient().complete()).next, next);
    });
  }
});
