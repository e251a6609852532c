/** Error responses: of the endpoints, of other servers, and of the network. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { createClient, SocialError } from "../client.js";
import { failure, startAPI } from "./support.js";

const api = await startAPI();

/** Return the error of a request with this response. */
async function errorOf(status, body, headers) {
  api.respond({ status, body, headers });
  const error = await failure(createClient({ baseUrl: api.baseUrl }).providers());
  assert.ok(error instanceof SocialError && error instanceof Error);
  assert.equal(error.status, status);
  return error;
}

describe("an error of the endpoints", () => {
  test("has all its properties", async () => {
    const error = await errorOf(
      503,
      {
        non_field_errors: ["The provider is down.", "Sorry."],
        error_code: "provider_unavailable",
        error_source: "provider",
        error_stage: "token_exchange",
        error_recovery: "retry_later",
        error_id: "q7Zk3v",
      },
      { "Retry-After": "30" },
    );
    assert.equal(error.message, "The provider is down. Sorry.");
    assert.deepEqual(
      { ...error },
      {
        name: "SocialError",
        code: "provider_unavailable",
        recovery: "retry_later",
        stage: "token_exchange",
        id: "q7Zk3v",
        fields: {},
        status: 503,
        retryAfter: 30,
      },
    );
  });

  test("has the messages of each field", async () => {
    const error = await errorOf(400, {
      email: ["Enter an address.", "It is too short."],
      address: { street: ["Required."] },
      error_code: "invalid_parameter",
      error_recovery: "correct_input",
      error_id: "x",
    });
    assert.deepEqual(error.fields, {
      email: ["Enter an address.", "It is too short."],
      address: ["Required."],
    });
    assert.equal(error.message, "Enter an address. It is too short. Required.");
    assert.equal(error.stage, null);
  });

  test("may have general messages and those of fields", async () => {
    const error = await errorOf(400, { non_field_errors: ["General."], email: ["Field."] });
    assert.equal(error.message, "General.");
    assert.deepEqual(error.fields, { email: ["Field."] });
  });

  test("has the detail of DRF", async () => {
    const error = await errorOf(401, {
      detail: "Authentication credentials were not provided.",
      error_code: "not_authenticated",
      error_recovery: "reauthenticate",
    });
    assert.equal(error.message, "Authentication credentials were not provided.");
    assert.deepEqual(error.fields, {});
  });
});

describe("an error of drf-standardized-errors", () => {
  test("has code, message and fields", async () => {
    const error = await errorOf(400, {
      type: "validation_error",
      errors: [
        { code: "required", detail: "Required.", attr: "email" },
        { code: "invalid", detail: "Invalid.", attr: "email" },
        { code: "blank", detail: "Blank.", attr: "address.street" },
      ],
    });
    assert.equal(error.code, "required");
    assert.equal(error.recovery, "correct_input");
    assert.equal(error.message, "Required. Invalid. Blank.");
    const fields = { email: ["Required.", "Invalid."], "address.street": ["Blank."] };
    assert.deepEqual(error.fields, fields);
  });

  test("may belong to no field", async () => {
    for (const attr of [null, "non_field_errors"]) {
      const errors = [{ code: "state_mismatch", detail: "No match.", attr }];
      const error = await errorOf(400, { type: "client_error", errors });
      assert.deepEqual([error.code, error.recovery], ["state_mismatch", "restart_login"]);
      assert.deepEqual(error.fields, {});
    }
  });
});

describe("an error of another server", () => {
  for (const [status, recovery] of [
    [400, "restart_login"],
    [401, "reauthenticate"],
    [403, "contact_administrator"],
    [404, "contact_administrator"],
    [429, "retry_later"],
    [500, "contact_administrator"],
    [502, "retry_later"],
    [503, "retry_later"],
    [504, "retry_later"],
  ]) {
    test(`with status ${status} is ${recovery}`, async () => {
      for (const body of ["<!doctype html><title>Error</title>", "", "null", "7", '"text"']) {
        const error = await errorOf(status, body);
        assert.equal(error.recovery, recovery);
        assert.equal(error.code, "unexpected_response");
        assert.equal(error.message, `The server sent an unexpected response (${status}).`);
        assert.deepEqual(error.fields, {});
      }
    });
  }

  test("of Simple JWT has its code", async () => {
    const messages = [{ token_class: "AccessToken", message: "Token is expired" }];
    const body = { detail: "Token is invalid", code: "token_not_valid", messages };
    const error = await errorOf(401, body);
    assert.deepEqual([error.code, error.message], ["token_not_valid", "Token is invalid"]);
    assert.deepEqual(error.fields, {});
  });

  test("may have a field named errors", async () => {
    for (const errors of [["A text."], { a: ["A text."] }]) {
      assert.deepEqual((await errorOf(400, { errors })).fields, { errors: ["A text."] });
    }
  });
});

test("a page of the frontend in place of the API is an error", async () => {
  const error = await errorOf(200, "<!doctype html><title>App</title>");
  assert.equal(error.code, "unexpected_response");
  assert.equal(error.recovery, "contact_administrator");
});

describe("retryAfter", () => {
  const inOneMinute = () => new Date(Date.now() + 60_000).toUTCString();
  for (const [name, value, check] of [
    ["is null without the header", undefined, (seconds) => seconds === null],
    ["is the number of seconds", "120", (seconds) => seconds === 120],
    ["is read from a date", inOneMinute(), (seconds) => seconds > 50 && seconds <= 60],
    ["is 0 for a date in the past", "Wed, 21 Oct 2015 07:28:00 GMT", (seconds) => seconds === 0],
    ["is null for anything else", "soon", (seconds) => seconds === null],
  ]) {
    test(name, async () => {
      const { retryAfter } = await errorOf(429, "", value && { "Retry-After": value });
      assert.ok(check(retryAfter), `${retryAfter}`);
    });
  }
});

describe("a failure of the network", () => {
  for (const [name, baseUrl, response] of [
    ["before the response", "http://127.0.0.1:1/"],
    ["within the response", api.baseUrl, { cut: true }],
  ]) {
    test(name, async () => {
      if (response) api.respond(response);
      const error = await failure(createClient({ baseUrl }).providers());
      assert.deepEqual([error.code, error.recovery], ["network_error", "retry_later"]);
      assert.deepEqual([error.status, error.retryAfter], [0, null]);
      assert.ok(error.cause instanceof Error);
    });
  }

  test("includes an aborted request", async () => {
    const { fetch } = globalThis;
    globalThis.fetch = (url, init) => fetch(url, { ...init, signal: AbortSignal.abort() });
    try {
      const error = await failure(createClient({ baseUrl: api.baseUrl }).providers());
      assert.deepEqual([error.code, error.cause.name], ["network_error", "AbortError"]);
    } finally {
      globalThis.fetch = fetch;
    }
  });
});

describe("the texts of the client", () => {
  const translations = {
    "The server sent an unexpected response (%(status)s).": "Antwort %(status)s.",
    "The server cannot be reached. Please try again.": "Nicht erreichbar.",
  };

  test("are translated if the page has loaded Django's catalogue", async () => {
    globalThis.gettext = (text) => translations[text] ?? text;
    try {
      assert.equal((await errorOf(502, "<h1>Bad Gateway</h1>")).message, "Antwort 502.");
      const error = await failure(createClient({ baseUrl: "http://127.0.0.1:1/" }).providers());
      assert.deepEqual([error.code, error.message], ["network_error", "Nicht erreichbar."]);
    } finally {
      delete globalThis.gettext;
    }
  });

  test("are English otherwise", async () => {
    const { message } = await errorOf(502, "<h1>Bad Gateway</h1>");
    assert.equal(message, "The server sent an unexpected response (502).");
  });
});
