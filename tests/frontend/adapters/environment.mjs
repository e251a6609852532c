// What the adapters find around them: a bundler, a browser and a provider.

import { registerHooks } from "node:module";

export const { API } = process.env;
export const APP = "https://app.example.com";

// Bundlers find modules without an extension, and Next.js those that begin with "@/".
registerHooks({
  resolve(specifier, context, next) {
    const name = specifier.replace(/^@\//, new URL("nextjs/", import.meta.url));
    try {
      return next(name, context);
    } catch (error) {
      if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
      return next(`${name}.js`, context);
    }
  },
});

const send = globalThis.fetch;
let failures = 0;

/** The requests of the adapter: for example "POST /auth/o/oidc/", and the URL of the page. */
export const requests = [];

/** Let requests fail, as they do without a network. */
export function disconnect(count) {
  failures = count;
}

globalThis.fetch = async (url, init) => {
  const request = `${init?.method ?? "GET"} ${new URL(url).pathname}`;
  requests.push({ request, page: globalThis.location?.href });
  if (failures === 0) return send(url, init);
  failures -= 1;
  throw new TypeError("There is no network.");
};

/** Sign in at the provider. Returns the URL that the browser opens then. */
export async function authorize(authorizationUrl) {
  const redirectUri = new URL(authorizationUrl).searchParams.get("redirect_uri");
  const response = await send(authorizationUrl);
  return `${redirectUri}?${new URLSearchParams(await response.json())}`;
}

/** Wait until a function returns something. */
export async function until(find) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = find();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`Not found: ${find}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
