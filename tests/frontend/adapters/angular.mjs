import "@angular/compiler"; // The components are compiled when they are used.

import { testAdapter } from "./page.mjs";

const { Component } = await import("@angular/core");
const { bootstrapApplication } = await import("@angular/platform-browser");
const { provideRouter, RouterOutlet } = await import("@angular/router");
const { Callback } = await import("./angular/callback");
const { SignIn } = await import("./angular/sign-in");

const define = (options) => Component(options)(class {});
const Root = define({ selector: "app-root", imports: [RouterOutlet], template: "<router-outlet />" });
const Page = define({ selector: "app-page", template: "<h1>Page</h1>" });
const routes = [
  { path: "login", component: SignIn },
  { path: "login/callback", component: Callback },
  { path: "**", component: Page },
];

testAdapter(async () => {
  const application = await bootstrapApplication(Root, { providers: [provideRouter(routes)] });
  return () => application.destroy();
});
