import "@angular/compiler"; // The components are compiled when they are used.

import assert from "node:assert/strict";
import { test } from "node:test";

import { API } from "./environment.mjs";
import { testAdapter } from "./page.mjs";

const http = await import("@angular/common/http");
const { Component } = await import("@angular/core");
const { bootstrapApplication } = await import("@angular/platform-browser");
const { provideRouter, RouterOutlet } = await import("@angular/router");
const { Callback } = await import("./angular/callback");
const session = await import("./angular/session");
const { SignIn } = await import("./angular/sign-in");
const { authorizationInterceptor } = await import("./angular/social-login");

const define = (options) => Component(options)(class {});
const Root = define({
  selector: "app-root",
  imports: [RouterOutlet],
  template: "<router-outlet />",
});
const Page = define({ selector: "app-page", template: "<h1>Page</h1>" });
const routes = [
  { path: "login", component: SignIn },
  { path: "login/callback", component: Callback },
  { path: "**", component: Page },
];

testAdapter(session, async () => {
  const application = await bootstrapApplication(Root, { providers: [provideRouter(routes)] });
  return () => application.destroy();
});

test("interceptor sends the token to the API only", () => {
  session.setToken("secret");
  const intercept = (url) =>
    authorizationInterceptor(new http.HttpRequest("GET", url), ({ headers }) => headers.keys());
  assert.deepEqual(intercept(`${API}/projects/`), ["Authorization"]);
  assert.deepEqual(intercept(`${API}.example.org/projects/`), []);
  assert.deepEqual(intercept("/projects/"), []);
});
