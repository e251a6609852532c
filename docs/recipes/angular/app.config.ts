import { provideHttpClient, withFetch, withInterceptors } from "@angular/common/http";
import type { ApplicationConfig } from "@angular/core";
import { provideRouter, type Routes } from "@angular/router";

import { Callback } from "./callback";
import { SignIn } from "./sign-in";
import { authorizationInterceptor } from "./social-login";

const routes: Routes = [
  { path: "login", component: SignIn },
  { path: "login/callback", component: Callback },
];

export const appConfig: ApplicationConfig = {
  providers: [
    provideRouter(routes),
    provideHttpClient(withFetch(), withInterceptors([authorizationInterceptor])),
  ],
};
