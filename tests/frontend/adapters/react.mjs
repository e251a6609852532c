import { testAdapter } from "./page.mjs";

const { createElement: h, StrictMode } = await import("react");
const { createRoot } = await import("react-dom/client");
const { BrowserRouter, Route, Routes } = await import("react-router");
const { Callback } = await import("./react/Callback");
const { SignIn } = await import("./react/SignIn");

const routes = h(
  Routes,
  null,
  h(Route, { path: "/login", element: h(SignIn) }),
  h(Route, { path: "/login/callback", element: h(Callback) }),
  h(Route, { path: "*", element: h("h1", null, "Page") }),
);

testAdapter(await import("./react/session"), (element) => {
  const root = createRoot(element);
  root.render(h(StrictMode, null, h(BrowserRouter, null, routes)));
  return () => root.unmount();
});
