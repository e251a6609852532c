import { inject } from "@angular/core";
import { type CanActivateFn, Router } from "@angular/router";

import { SocialLogin } from "./social-login";

/** Show the sign-in page first, if a route has `canActivate: [requireLogin]`. */
export const requireLogin: CanActivateFn = (route, state) =>
  inject(SocialLogin).isSignedIn() ||
  inject(Router).createUrlTree(["/login"], { queryParams: { next: state.url } });
