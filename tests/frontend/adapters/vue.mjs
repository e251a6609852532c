import { testAdapter } from "./page.mjs";

const { createApp, h } = await import("vue");
const { createRouter, createWebHistory, RouterView } = await import("vue-router");
const { default: Callback } = await import("./vue/SignInCallback.vue");
const { default: SignIn } = await import("./vue/SignIn.vue");

const routes = [
  { path: "/login", component: SignIn },
  { path: "/login/callback", component: Callback },
  { path: "/:path(.*)*", component: { render: () => h("h1", "Page") } },
];

testAdapter(await import("./vue/session"), (element) => {
  const app = createApp(RouterView);
  app.use(createRouter({ history: createWebHistory(), routes }));
  app.mount(element);
  return () => app.unmount();
});
