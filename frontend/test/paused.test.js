/** Paused logins, over several pages and reloads. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { createClient } from "../client.js";
import { failure, leaveBrowser, openPage, REDIRECT_URI, startAPI } from "./support.js";

const api = await startAPI();
const FIELDS = [{ name: "email", type: "email", required: true, label: "E-mail", help_text: "" }];
const PAUSED = { partial_token: "P", redirect_to: "/email", fields: FIELDS };

afterEach(leaveBrowser);

const newClient = () => createClient({ baseUrl: api.baseUrl });
const pause = (values) => ({ status: 202, body: { ...PAUSED, provider: "oidc", flow: "flow-P", ...values } });

/** Begin a login that pauses; return the page, and what complete() has returned. */
async function pauseLogin({ method = "signIn", values } = {}) {
  const { storage, assigned } = openPage("https://app.example.com/");
  await newClient()[method]("oidc", { redirectUri: REDIRECT_URI, next: "/next" });
  const state = new URL(assigned[0]).searchParams.get("state");
  const page = openPage(`${REDIRECT_URI}?code=C&state=${state}`, storage);
  api.respond(pause(values));
  return { page, state, result: await newClient().complete() };
}

describe("a paused login", () => {
  test("is returned with next and without its flow", async () => {
    const { result } = await pauseLogin();
    assert.deepEqual(result, { ...PAUSED, next: "/next" });
  });

  test("is resumed on another page of the tab", async () => {
    const { page } = await pauseLogin();
    openPage("https://app.example.com/email", page.storage);
    const result = await newClient().resume("P", { email: "ada@example.com", flow: "evil" });
    assert.deepEqual(result, { token: "T", next: "/next" });
    const [, { path, body }] = api.posts();
    assert.equal(path, "/auth/o/oidc/");
    assert.deepEqual(body, { email: "ada@example.com", partial_token: "P", flow: "flow-P" });

    openPage(REDIRECT_URI, page.storage);
    assert.deepEqual(await newClient().complete(), { alreadyCompleted: true, next: "/next" });
  });

  test("is resumed again after a refusal", async () => {
    const { page } = await pauseLogin();
    openPage("https://app.example.com/email", page.storage);
    const client = newClient();
    api.respond({ status: 400, body: { email: ["Invalid."], error_code: "invalid_parameter" } });
    const error = await failure(client.resume("P", { email: "x" }));
    assert.deepEqual(error.fields, { email: ["Invalid."] });
    assert.equal((await client.resume("P", { email: "ada@example.com" })).token, "T");
    assert.deepEqual(
      api
        .posts()
        .map(({ body }) => body.flow)
        .slice(1),
      ["flow-P", "flow-P"],
    );
  });

  test("that has expired rejects again after a reload", async () => {
    const { page } = await pauseLogin();
    const client = newClient();
    api.respond({ status: 400, body: { error_code: "expired", error_recovery: "restart_login" } });
    assert.equal((await failure(client.resume("P", {}))).code, "expired");
    assert.equal((await failure(client.complete())).code, "expired");
    openPage(page.href, page.storage);
    assert.equal((await failure(newClient().complete())).code, "expired");
  });

  test("that is resumed in the same page is already completed", async () => {
    openPage("https://app.example.com/");
    const client = newClient();
    const navigate = (url) => new URL(url).searchParams.get("state");
    const state = await client.signIn("oidc", { redirectUri: REDIRECT_URI, next: "/next", navigate });
    api.respond(pause());
    await client.complete(`${REDIRECT_URI}?code=C&state=${state}`);
    await client.resume("P", {});
    assert.deepEqual(await client.complete(), { alreadyCompleted: true, next: "/next" });
  });

  test("may pause again", async () => {
    await pauseLogin();
    const client = newClient();
    api.respond(pause({ partial_token: "Q", flow: "flow-Q" }));
    assert.equal((await client.resume("P", {})).partial_token, "Q");
    assert.equal((await failure(client.resume("P", {}))).code, "session_context_missing");
    assert.equal((await client.resume("Q", {})).token, "T");
    assert.equal(api.posts().at(-1).body.flow, "flow-Q");
  });

  test("is returned again after a reload or the back button", async () => {
    const { page, state, result } = await pauseLogin();
    for (const url of [page.href, `${REDIRECT_URI}?code=C&state=${state}`]) {
      openPage(url, page.storage);
      assert.deepEqual(await newClient().complete(), result);
    }
    assert.equal(api.posts().length, 1);
  });

  test("of a connect is resumed below connect/", async () => {
    await pauseLogin({ method: "connect" });
    api.respond({ status: 201, body: { id: 7, provider: "oidc" } });
    assert.deepEqual(await newClient().resume("P"), { id: 7, provider: "oidc", next: "/next" });
    assert.equal(api.posts()[1].path, "/auth/o/oidc/connect/");
  });

  test("with the cookie transport is resumed without a flow", async () => {
    await pauseLogin({ values: { flow: undefined } });
    await newClient().resume("P", { email: "ada@example.com" });
    assert.deepEqual(api.posts()[1].body, { email: "ada@example.com", partial_token: "P" });
  });

  test("without a partial token cannot be resumed", async () => {
    const { result } = await pauseLogin({ values: { partial_token: null, fields: null } });
    assert.equal(result.redirect_to, "/email");
    const error = await failure(newClient().resume(null, {}));
    assert.equal(error.code, "session_context_missing");
    assert.equal(api.posts().length, 1);
  });

  test("that this tab does not know posts nothing", async () => {
    openPage("https://app.example.com/email?partial_token=P");
    assert.equal((await failure(newClient().resume("P", {}))).recovery, "restart_login");
    assert.deepEqual(api.posts(), []);
  });

  test("of a native sign-in is resumed", async () => {
    openPage("https://app.example.com/");
    const client = newClient();
    api.respond(pause());
    const paused = await client.signInWithToken("oidc", { idToken: "a.b.c" });
    assert.deepEqual(paused, { ...PAUSED, next: undefined });
    assert.equal((await client.resume("P", {})).token, "T");
    assert.equal(api.posts()[1].path, "/auth/o/oidc/");
  });
});
