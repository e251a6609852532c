const API = "https://api.example.com/auth/";
// Another page than that of the login: allowed, and registered at the provider, as well.
const REDIRECT_URI = `${location.origin}/account/connected`;

// What says who is logged in, on every request.
const authorization = () => ({ Authorization: `Token ${sessionStorage.getItem("token")}` });

// For the account page: what is linked, [{ id, title, … }], and what can be, [{ name, title, … }].
export async function identities() {
  const [connections, providers] = await Promise.all([request("connections/"), request("o/")]);
  const linked = connections.results ?? connections; // where the project's lists have pages
  const has = new Set(linked.map(({ provider }) => provider));
  const others = providers.filter(
    ({ name, capabilities }) => capabilities.includes("connect") && !has.has(name),
  );
  return { linked, others };
}

// A button calls it: disconnect(7). A refusal has a message to show: it is the last way in.
export const disconnect = (id) => request(`connections/${id}/`, { method: "DELETE" });

// A button calls it: connect("github"), or connect("github", "repo gist") to ask for more access.
export async function connect(provider, scope = "") {
  const query = new URLSearchParams({ redirect_uri: REDIRECT_URI, scope });
  const { authorization_url, flow } = await request(`o/${provider}/connect/?${query}`);
  const state = new URL(authorization_url).searchParams.get("state");
  sessionStorage.setItem(`connect:${state}`, JSON.stringify({ provider, flow }));
  location.assign(authorization_url);
}

// The page at REDIRECT_URI calls it. However often, there is one request and one answer:
// what has been linked, { id, title, … }.
let completion;
export const completeConnect = () =>
  (completion ??= complete(new URLSearchParams(`${location.search}&${location.hash.slice(1)}`)));

async function complete(answer) {
  history.replaceState(null, "", location.pathname); // the code stays in no history
  const begun = take(answer.get("state")) ?? take(null);
  if (!begun) throw new Error("This was not begun in this tab, or is used already.");
  const body = JSON.stringify({ ...Object.fromEntries(answer), flow: begun.flow });
  return request(`o/${begun.provider}/connect/`, { method: "POST", body });
}

function take(state) {
  const begun = JSON.parse(sessionStorage.getItem(`connect:${state}`));
  sessionStorage.removeItem(`connect:${state}`); // a flow completes once
  return begun;
}

async function request(path, { method, body } = {}) {
  const headers = authorization();
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(API + path, { method, body, headers });
  const data = response.status === 204 ? null : await response.json();
  if (response.ok) return data;
  const fields = Object.values(data).filter(Array.isArray);
  const messages = [data.non_field_errors ?? data.detail ?? fields].flat(2);
  const { error_code: code, error_recovery: recovery } = data;
  throw Object.assign(new Error(messages.join(" ")), { code, recovery });
}
