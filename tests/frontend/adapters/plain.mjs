import "./page.mjs"; // A page in a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "django-social-endpoints";

import { API, APP, authorize, until } from "./environment.mjs";

const { follow } = await import("./ask.js");
const { localPath } = await import("./local_path.js");

// happy-dom does not have it.
globalThis.Option = function (textContent, value) {
  return Object.assign(document.createElement("option"), { textContent, value });
};

const client = createClient({ baseUrl: `${API}/auth/` });
const open = (url) => window.happyDOM.setURL(url);

/** Sign in at the provider, and open the callback page. */
async function arrive() {
  open(`${APP}/login`);
  document.body.innerHTML = `
    <form id="ask" hidden><div id="fields"></div><button>Continue</button></form>
    <p id="error" role="alert"></p>`;
  await client.signIn("oidc", { redirectUri: `${APP}/login/callback`, next: "/account" });
  open(await authorize(location.href));
}

test("paused login shows its form until the values are accepted", async () => {
  await arrive();
  const [form, error] = ["ask", "error"].map((id) => document.getElementById(id));
  await follow(client, () => client.complete());
  assert.equal(form.hidden, false);
  form.querySelector("button").click();
  await until(() => error.textContent === "Please accept the terms.");
  assert.equal(form.hidden, false);
  form.querySelector("input[name=terms]").click();
  form.querySelector("button").click();
  await until(() => location.pathname === "/account");
  assert.ok(sessionStorage.getItem("token"));
});

test("failed login shows its error without a form", async () => {
  await arrive();
  const callback = new URL(location.href);
  callback.searchParams.set("error", "access_denied");
  callback.searchParams.delete("code");
  open(callback.href);
  await follow(client, () => client.complete());
  assert.equal(document.getElementById("ask").hidden, true);
  assert.ok(document.getElementById("error").textContent.length > 20);
});

test("only paths of the app are accepted", () => {
  open(`${APP}/login`);
  assert.equal(localPath("/projects?page=2#top"), "/projects?page=2#top");
  const others = [
    null,
    "",
    "projects",
    "https://example.org/",
    "//example.org/",
    "/\\example.org/",
    "/\t/example.org/",
    "\\\\example.org/",
    "javascript:alert(1)",
    "/..//example.org/",
    "//",
  ];
  for (const path of others) {
    const accepted = localPath(path);
    assert.ok(accepted.startsWith("/"), path);
    assert.equal(new URL(accepted, location.href).origin, APP, path);
  }
});
