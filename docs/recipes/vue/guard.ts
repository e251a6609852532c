import type { NavigationGuard } from "vue-router";

import { getToken } from "./session";

/** Show the sign-in page first, if a route has `beforeEnter: requireLogin`. */
export const requireLogin: NavigationGuard = (to) =>
  getToken() ? true : { path: "/login", query: { next: to.fullPath } };
