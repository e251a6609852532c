// An OpenID Connect provider made with npm's better-auth, which sends logout tokens as well.
// Arguments: the directory of its packages, and the configuration as JSON.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [directory, json] = process.argv.slice(2);
const { origin, port, client } = JSON.parse(json);
const require = createRequire(`${directory}/`);
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { betterAuth } = await load("better-auth");
const { toNodeHandler } = await load("better-auth/node");
const { jwt } = await load("better-auth/plugins");
const { memoryAdapter } = await load("@better-auth/memory-adapter");
const { oauthProvider } = await load("@better-auth/oauth-provider");

// Ends with its parent process.
process.stdin.resume().on("end", () => process.exit());

const tables = ["user", "session", "account", "verification", "jwks", "oauthClient",
  "oauthAccessToken", "oauthRefreshToken", "oauthConsent", "oauthResource",
  "oauthClientResource", "oauthClientAssertion"];
const auth = betterAuth({
  baseURL: origin,
  secret: "of a provider that lives for one test run",
  database: memoryAdapter(Object.fromEntries(tables.map((table) => [table, []]))),
  emailAndPassword: {
    enabled: true,
    password: { hash: async (password) => password, verify: async () => true },
  },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    jwt(),
    oauthProvider({
      loginPage: "/login",
      consentPage: "/consent",
      scopes: ["openid", "profile", "email", "offline_access", "files:read", "files:write"],
      accessTokenExpiresIn: 30,
      storeClientSecret: { hash: async (secret) => secret },
      silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true },
    }),
  ],
});
// The endpoints that register clients require HTTPS for the URL of the logout tokens.
const { adapter } = await auth.$context;
await adapter.create({ model: "oauthClient", data: { ...client, disabled: false } });

const handle = toNodeHandler(auth);
createServer(async (request, response) => {
  const { pathname, search, searchParams } = new URL(request.url, origin);
  if (pathname !== "/login") return handle(request, response);
  if (request.method === "GET") return showLoginPage(response, search.slice(1));
  const chunks = await request.toArray();
  return logIn(response, new URLSearchParams(Buffer.concat(chunks).toString()));
}).listen(port, "127.0.0.1");

function showLoginPage(response, query) {
  const value = query.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  response.setHeader("Content-Type", "text/html");
  response.end(`<!doctype html><title>Log in</title><form method="post">
    <input type="hidden" name="oauth_query" value="${value}">
    <input name="user"><button>Log in</button></form>`);
}

async function logIn(response, form) {
  const name = form.get("user");
  const body = { email: `${name}@example.com`, password: "password", name };
  await auth.api.signUpEmail({ body }).catch(() => {}); // The user may exist already.
  const answer = await auth.handler(
    new Request(`${origin}/api/auth/sign-in/email`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", Origin: origin },
      body: JSON.stringify({ ...body, oauth_query: form.get("oauth_query") }),
    }),
  );
  const { url } = await answer.json();
  response.writeHead(303, { Location: url, "Set-Cookie": answer.headers.getSetCookie() });
  response.end();
}
