import { createRouter, createWebHistory } from "vue-router";

import Home from "./Home.vue";
import SignIn from "./SignIn.vue";
import SignInCallback from "./SignInCallback.vue";

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", component: Home },
    { path: "/login", component: SignIn },
    { path: "/login/callback", component: SignInCallback },
  ],
});
