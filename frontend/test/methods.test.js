/** The requests of the other methods. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, describe, test } from "node:test";

import { createClient, createNonce } from "../client.js";
import { failure, leaveBrowser, openPage, startAPI } from "./support.js";

const api = await startAPI();

afterEach(leaveBrowser);

const newClient = (options) => createClient({ baseUrl: api.baseUrl, ...options });

describe("baseUrl", () => {
  for (const [name, change] of [
    ["with a final slash", (url) => url],
    ["without a final slash", (url) => url.replace(/\/$/, "")],
    ["as URL object", (url) => new URL(url)],
  ]) {
    test(name, async () => {
      api.respond({ status: 200, body: [] });
      await newClient({ baseUrl: change(api.baseUrl) }).providers();
      assert.equal(api.requests[0].path, "/auth/o/");
    });
  }
});

describe("headers", () => {
  for (const [name, headers] of [
    ["an object", { "X-CSRFToken": "v" }],
    ["a Headers object", new Headers({ "X-CSRFToken": "v" })],
    ["a function", () => ({ "X-CSRFToken": "v" })],
    ["an async function", async () => new Headers({ "X-CSRFToken": "v" })],
  ]) {
    test(`may be ${name}`, async () => {
      api.respond({ status: 204 });
      await newClient({ headers }).logout();
      assert.equal(api.requests[0].headers["x-csrftoken"], "v");
      assert.equal(api.requests[0].headers["content-type"], "application/json");
    });
  }

  test("of a function are read for each request", async () => {
    let calls = 0;
    const client = newClient({
      headers: () => (calls++ ? { Authorization: "Token T" } : undefined),
    });
    for (const expected of [undefined, "Token T"]) {
      api.respond({ status: 200, body: [] });
      await client.providers();
      assert.equal(api.requests.at(-1).headers.authorization, expected);
    }
  });
});

test("credentials are passed to fetch", async () => {
  const { fetch } = globalThis;
  const passed = [];
  globalThis.fetch = (url, init) => {
    passed.push(init.credentials);
    return fetch(url, init);
  };
  try {
    for (const credentials of ["include", undefined]) {
      api.respond({ status: 200, body: [] });
      await newClient({ credentials }).providers();
    }
  } finally {
    globalThis.fetch = fetch;
  }
  assert.deepEqual(passed, ["include", undefined]);
});

test("providers returns the list", async () => {
  const providers = [{ name: "github", title: "GitHub" }];
  api.respond({ status: 200, body: providers });
  assert.deepEqual(await newClient().providers(), providers);
});

describe("connections", () => {
  test("returns the list", async () => {
    api.respond({ status: 200, body: [{ id: 7 }] });
    assert.deepEqual(await newClient().connections(), [{ id: 7 }]);
    assert.equal(api.requests[0].path, "/auth/connections/");
  });

  test("returns all pages of the list", async () => {
    // Behind a proxy, the host in the URL may be another one.
    const next = "http://internal:8000/auth/connections/?page=2";
    api.respond({ status: 200, body: { count: 2, next, previous: null, results: [{ id: 1 }] } });
    api.respond({
      status: 200,
      body: { count: 2, next: null, previous: "…", results: [{ id: 2 }] },
    });
    assert.deepEqual(await newClient().connections(), [{ id: 1 }, { id: 2 }]);
    assert.deepEqual(
      api.requests.map(({ query }) => query),
      [{}, { page: "2" }],
    );
  });
});

describe("disconnect", () => {
  test("sends DELETE", async () => {
    api.respond({ status: 204 });
    assert.equal(await newClient().disconnect(7), undefined);
    assert.equal(api.requests[0].method, "DELETE");
    assert.equal(api.requests[0].path, "/auth/connections/7/");
  });

  test("returns where the project wants to send the user first", async () => {
    const body = { partial_token: null, redirect_to: "/confirm", fields: null, provider: "github" };
    api.respond({ status: 202, body });
    assert.deepEqual(await newClient().disconnect("a/b"), body);
    assert.equal(api.requests[0].path, "/auth/connections/a%2Fb/");
  });

  test("of the last way to sign in is refused", async () => {
    api.respond({ status: 400, body: { error_code: "disconnect_disallowed", detail: "No." } });
    assert.equal((await failure(newClient().disconnect(7))).code, "disconnect_disallowed");
  });
});

describe("signInWithToken", () => {
  test("posts the tokens and returns the body", async () => {
    const user = { name: { firstName: "Ada" } };
    const tokens = { idToken: "a.b.c", accessToken: "A", nonce: "N", user };
    assert.deepEqual(await newClient().signInWithToken("apple-id", tokens), { token: "T" });
    const [{ path, body }] = api.posts();
    assert.equal(path, "/auth/o/apple-id/token/");
    assert.deepEqual(body, { id_token: "a.b.c", access_token: "A", nonce: "N", user });
  });

  test("connects with connect", async () => {
    api.respond({ status: 201, body: { id: 7 } });
    const tokens = { accessToken: "A", connect: true };
    assert.deepEqual(await newClient().signInWithToken("facebook", tokens), { id: 7 });
    assert.equal(api.posts()[0].path, "/auth/o/facebook/connect/token/");
    assert.deepEqual(api.posts()[0].body, { access_token: "A" });
  });
});

describe("createNonce", () => {
  test("returns a value and its SHA-256", async () => {
    const [first, second] = [await createNonce(), await newClient().createNonce()];
    const digest = createHash("sha256").update(first.value).digest("hex");
    assert.equal(first.sha256, digest);
    assert.match(first.value, /^[0-9a-f]{64}$/);
    assert.notEqual(first.value, second.value);
  });

  test("without HTTPS explains the cause", async () => {
    const { crypto } = globalThis;
    Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
    try {
      assert.match((await failure(createNonce())).message, /HTTPS/);
    } finally {
      Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
    }
  });
});

describe("currentUser", () => {
  test("returns the user", async () => {
    const user = { id: 1, username: "ada", email: "ada@example.com", name: "Ada" };
    api.respond({ status: 200, body: user });
    assert.deepEqual(await newClient().currentUser(), user);
    assert.equal(api.requests[0].path, "/auth/me/");
  });

  test("is null if nobody is signed in", async () => {
    api.respond({ status: 401, body: { detail: "No.", error_code: "not_authenticated" } });
    assert.equal(await newClient().currentUser(), null);
  });

  test("rejects after any other error", async () => {
    api.respond({ status: 503, body: { error_code: "storage_unavailable" } });
    await assert.rejects(newClient().currentUser(), { code: "storage_unavailable", status: 503 });
  });
});

describe("refresh", () => {
  test("posts the refresh token and returns the new tokens", async () => {
    api.respond({ status: 200, body: { access: "A" } });
    assert.deepEqual(await newClient().refresh("R"), { access: "A" });
    assert.deepEqual(api.posts()[0].body, { refresh: "R" });
    assert.equal(api.posts()[0].path, "/auth/refresh/");
  });

  test("posts an empty object if the token is in a cookie", async () => {
    api.respond({ status: 204 });
    assert.equal(await newClient().refresh(), undefined);
    assert.deepEqual(api.posts()[0].body, {});
  });

  test("is sent once by calls at the same time, and again by a later one", async () => {
    const client = newClient();
    api.respond({ status: 200, body: { access: "A" } }, { status: 200, body: { access: "B" } });
    const results = await Promise.all([client.refresh("R"), client.refresh("R")]);
    assert.deepEqual(results, [{ access: "A" }, { access: "A" }]);
    assert.deepEqual(await client.refresh("R"), { access: "B" });
    assert.equal(api.posts().length, 2);
  });

  test("rejects each call, and can be tried again", async () => {
    const client = newClient();
    const body = { detail: "No.", error_code: "refresh_token_invalid", error_recovery: "x" };
    api.respond({ status: 401, body }, { status: 200, body: { access: "A" } });
    const results = await Promise.allSettled([client.refresh("R"), client.refresh("R")]);
    assert.deepEqual(
      results.map(({ reason }) => reason.code),
      ["refresh_token_invalid", "refresh_token_invalid"],
    );
    assert.deepEqual(await client.refresh("R"), { access: "A" });
  });

  test("waits for the refresh of another tab", async () => {
    const clients = [newClient(), newClient()];
    let running = 0;
    let most = 0;
    let queue = Promise.resolve();
    const locks = {
      request: (name, work) => {
        assert.match(name, /\/auth\/$/);
        return (queue = queue.then(async () => {
          most = Math.max(most, ++running);
          const result = await work();
          running--;
          return result;
        }));
      },
    };
    const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    Object.defineProperty(globalThis, "navigator", { configurable: true, value: { locks } });
    try {
      api.respond({ status: 204 }, { status: 204 });
      await Promise.all(clients.map((client) => client.refresh()));
    } finally {
      if (navigator) Object.defineProperty(globalThis, "navigator", navigator);
      else delete globalThis.navigator;
    }
    assert.equal(api.posts().length, 2);
    assert.equal(most, 1);
  });
});

describe("logout", () => {
  test("ends the login", async () => {
    api.respond({ status: 204 });
    assert.equal(await newClient().logout(), undefined);
    assert.equal(api.posts()[0].path, "/auth/logout/");
    assert.deepEqual(api.posts()[0].body, {});
  });

  test("posts the refresh token", async () => {
    api.respond({ status: 204 });
    await newClient().logout(null, { refresh: "R" });
    assert.deepEqual(api.posts()[0].body, { refresh: "R" });
  });

  test("with a provider goes to its logout_url", async () => {
    const page = openPage("https://app.example.com/");
    api.respond({ status: 200, body: { logout_url: "https://provider.example/end", state: "S" } });
    await newClient().logout("oidc", { postLogoutRedirectUri: "https://app.example.com/bye" });
    assert.deepEqual(page.assigned, ["https://provider.example/end"]);
    const [{ path, query }] = api.requests;
    assert.equal(path, "/auth/o/oidc/logout/");
    assert.deepEqual(query, { post_logout_redirect_uri: "https://app.example.com/bye" });
  });

  test("with a provider can end the login before the browser leaves", async () => {
    const client = newClient();
    api.respond({ status: 200, body: { logout_url: "https://provider.example/end", state: "S" } });
    api.respond({ status: 204 });
    const navigate = async (url) => {
      await client.logout();
      return url;
    };
    const options = { postLogoutRedirectUri: "https://app.example.com/bye", navigate };
    assert.equal(await client.logout("oidc", options), "https://provider.example/end");
    assert.deepEqual(
      api.requests.map(({ method }) => method),
      ["GET", "POST"],
    );
  });
});
