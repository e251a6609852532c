/** What the tests share: an API over HTTP, and the globals of a browser page. */

import { createServer } from "node:http";
import { after, afterEach } from "node:test";

export const REDIRECT_URI = "https://app.example.com/login/callback";

/**
 * Start an API that records its requests. `respond` replaces its next responses, in their order.
 */
export async function startAPI() {
  const api = { requests: [], begun: 0, state: true, flow: true };
  const responses = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const url = new URL(request.url, "http://api");
    const { method, headers } = request;
    api.requests.push({
      method,
      headers,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      body: text ? JSON.parse(text) : undefined,
    });
    const answer = responses.shift() ?? (method === "GET" ? begin(api, url) : { status: 201 });
    if (answer.cut) return response.writeHead(201).write("{", () => response.destroy());
    if (answer.delay) await new Promise((resolve) => setTimeout(resolve, answer.delay));
    const body = answer.body ?? (answer.status === 201 ? { token: "T" } : "");
    response.writeHead(answer.status, answer.headers);
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  api.baseUrl = `http://127.0.0.1:${server.address().port}/auth/`;
  api.respond = (...given) => responses.push(...given);
  api.posts = () => api.requests.filter(({ method }) => method === "POST");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  afterEach(() => {
    Object.assign(api, { requests: [], state: true, flow: true });
    responses.length = 0;
  });
  return api;
}

function begin(api, url) {
  const number = ++api.begun;
  const query = new URLSearchParams({ redirect_uri: url.searchParams.get("redirect_uri") });
  if (api.state) query.set("state", `state-${number}`);
  for (const [name, value] of Object.entries(api.query ?? {})) query.set(name, value);
  const body = { authorization_url: `https://provider.example/authorize?${query}` };
  if (api.flow) body.flow = `flow-${number}`;
  return { status: 200, body };
}

/** A storage like sessionStorage. */
export class MemoryStorage {
  items = new Map();
  getItem(key) {
    return this.items.get(key) ?? null;
  }
  setItem(key, value) {
    this.items.set(key, String(value));
  }
  /** Return a copy, as a duplicated tab has one. */
  copy() {
    const copy = new MemoryStorage();
    copy.items = new Map(this.items);
    return copy;
  }
}

/**
 * Set the globals of a page. A second call is a navigation of the same tab if it gets the same storage.
 */
export function openPage(url, storage = new MemoryStorage()) {
  const page = {
    href: url,
    storage,
    assigned: [],
    replaced: [],
    state: { router: "state" },
  };
  globalThis.sessionStorage = storage;
  globalThis.location = {
    get href() {
      return page.href;
    },
    assign: (target) => page.assigned.push(target),
  };
  globalThis.history = {
    get state() {
      return page.state;
    },
    replaceState(state, unused, target) {
      page.replaced.push([state, target]);
      page.href = new URL(target, page.href).href;
    },
  };
  return page;
}

/** Remove the globals of a page. */
export function leaveBrowser() {
  for (const name of ["location", "history", "sessionStorage", "opener", "document", "window"]) {
    delete globalThis[name];
  }
}

/** Return the error that a promise rejects with. */
export const failure = (promise) =>
  promise.then(
    (value) => {
      throw new Error(`It resolved to ${JSON.stringify(value)}.`);
    },
    (error) => error,
  );
