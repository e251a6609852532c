// The whole page in one module: the login, the little API it opens, and what is shown.

// Where the site's API is, and how a begun login is remembered: "cookie" where the page
// and the API share an origin, "body" where they do not.
const { api, transport } = await (await fetch("/config.json")).json();
const redirectUri = `${location.origin}/login/callback/`;

// --- The login ---------------------------------------------------------------------

// Begins a login, or to connect one more identity to the account; the answer is the URL
// to send the browser to.
export async function beginLogin(provider, { connect = false } = {}) {
  const { authorization_url, flow } = await request(
    `${endpoint(provider, connect)}?redirect_uri=${encodeURIComponent(redirectUri)}`,
    { provider, token: connect && token.get() },
  );
  // Kept for the callback under the login's state, so that several can be under way.
  // With the cookie transport the flow stays out of reach, in an HttpOnly cookie.
  const state = new URL(authorization_url).searchParams.get("state");
  remember(state, { provider, connect, flow: transport === "body" ? flow : undefined });
  return authorization_url;
}

const endpoint = (provider, connect) => `auth/o/${provider}/${connect ? "connect/" : ""}`;

// Completes what the provider sent the browser back here with. However often it is called
// (React calls effects twice), there is one request and one answer: with `token` after a
// login, with the connection after connecting.
let completion;
export function completeLogin() {
  return (completion ??= complete(new URLSearchParams(location.search)));
}

async function complete(answer) {
  // A reload, a bookmark or the history must not bring the code back.
  history.replaceState(null, "", location.pathname);
  const state = answer.get("state");
  // A provider that answers to the server (SAML) brings a state back that the page has not
  // seen go out: it belongs to the login that this tab began last.
  const { provider, connect, flow, used } = recall(state) ?? take(null) ?? {};
  if (!provider) throw new LoginError("This login was not begun in this tab.");
  if (used) throw new LoginError("This login has been used already.", provider);
  remember(state, { provider, used: true });
  // All that the provider sent goes along: also its error, when the user has declined.
  const body = { ...Object.fromEntries(answer), flow };
  const options = { method: "POST", body, provider, token: connect && token.get() };
  return request(endpoint(provider, connect), options);
}

const remember = (state, login) => sessionStorage.setItem(`login:${state}`, JSON.stringify(login));
const recall = (state) => JSON.parse(sessionStorage.getItem(`login:${state}`));
function take(state) {
  const login = recall(state);
  sessionStorage.removeItem(`login:${state}`);
  return login;
}

// --- Requests and what goes wrong with them ------------------------------------------

class LoginError extends Error {
  constructor(message, provider, recovery = "restart_login") {
    super(message);
    this.provider = provider;
    this.recovery = recovery;
  }
}

async function request(path, { method = "GET", body, token, provider } = {}) {
  const headers = {};
  if (body) headers["Content-Type"] = "application/json";
  if (token) headers["Authorization"] = `Token ${token}`;
  const response = await fetch(api + path, {
    method,
    headers,
    body: body && JSON.stringify(body),
    credentials: transport === "cookie" ? "include" : "omit",
  }).catch(() => {
    throw new LoginError("The site cannot be reached.", provider, "retry_later");
  });
  const data = await response.json().catch(() => ({}));
  if (response.ok) return data;
  const messages = data.non_field_errors ?? Object.values(data).flat();
  const text = messages.join(" ") || "Something went wrong.";
  const error = new LoginError(text, provider, data.error_recovery ?? "none");
  error.status = response.status;
  throw error;
}

// What the user can do about it, by the `error_recovery` of the answer.
const HINTS = {
  retry_later: "Please try again in a moment.",
  reauthenticate: "Please sign in with the provider again.",
  check_provider_profile: "Please complete your profile at the provider.",
  use_existing_account: "Please sign in the way you did before.",
  contact_administrator: "If this happens again, please tell the site's administrator.",
};
const CAN_TRY_AGAIN = ["restart_login", "retry_later", "reauthenticate"];

// --- The page ------------------------------------------------------------------------

// A simplification of this example: whatever script runs on a page can read its
// sessionStorage, so keep scripts of others out, or take a serializer that puts the
// token into an HttpOnly cookie.
const token = {
  get: () => sessionStorage.getItem("token"),
  set: (value) => sessionStorage.setItem("token", value),
  clear: () => sessionStorage.removeItem("token"),
};

const element = (id) => document.getElementById(id);

function show(section, message = "") {
  for (const id of ["signed-out", "signed-in"]) element(id).hidden = id !== section;
  for (const button of document.querySelectorAll("#signed-in button")) button.disabled = false;
  element("message").textContent = message;
  element("message").classList.remove("error");
  element("try-again").hidden = true;
}

function showError(section, { message, recovery, provider }) {
  show(section, [message, HINTS[recovery]].filter(Boolean).join(" "));
  element("message").classList.add("error");
  element("try-again").hidden =
    section !== "signed-out" || !provider || !CAN_TRY_AGAIN.includes(recovery);
  element("try-again").dataset.provider = provider;
}

async function signIn(provider) {
  show("", "Taking you to the provider …");
  try {
    location.assign(await beginLogin(provider));
  } catch (error) {
    showError("signed-out", error);
  }
}

async function signOut() {
  await request("api/sign-out/", { method: "POST", token: token.get() }).catch(() => {});
  token.clear();
  show("signed-out", "You are signed out.");
}

// Who is signed in, or null.
async function account() {
  if (!token.get()) return null;
  try {
    return await request("api/me/", { token: token.get() });
  } catch (error) {
    if (error.status === 401) token.clear();
    return null;
  }
}

// Draws which identities the account has, and which it can have besides.
async function drawConnections() {
  const [providers, connections] = await Promise.all([
    request("auth/o/"),
    request("auth/connections/", { token: token.get() }),
  ]);
  element("connections").replaceChildren(...connections.map(drawConnection));
  const has = new Set(connections.map(({ provider }) => provider));
  const others = providers.filter((one) => one.capabilities.includes("connect") && !has.has(one.name));
  element("connect").replaceChildren(
    ...others.map(({ name, title }) => button(`Connect ${title}`, () => connect(name))),
  );
}

function drawConnection({ id, title, created }) {
  const item = document.createElement("li");
  const since = new Date(created).toLocaleDateString("en", { dateStyle: "medium" });
  const remove = button("Disconnect", () => disconnect(id, title));
  remove.setAttribute("aria-label", `Disconnect ${title}`);
  item.append(`${title}, since ${since}`, remove);
  return item;
}

function button(text, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "secondary";
  made.textContent = text;
  made.addEventListener("click", () => {
    made.disabled = true;
    action();
  });
  return made;
}

async function connect(provider) {
  try {
    location.assign(await beginLogin(provider, { connect: true }));
  } catch (error) {
    showError("signed-in", error);
  }
}

async function disconnect(id, title) {
  try {
    await request(`auth/connections/${id}/`, { method: "DELETE", token: token.get() });
    await drawConnections();
    show("signed-in", `${title} is disconnected.`);
  } catch (error) {
    showError("signed-in", error);
  }
}

async function start() {
  let failure;
  let message;
  if (location.pathname === "/login/callback/" && location.search) {
    show("", "Signing you in …");
    try {
      const answer = await completeLogin();
      if (answer.token) token.set(answer.token);
      else message = `${answer.title} is connected.`;
    } catch (error) {
      failure = error;
    }
  }
  const user = await account();
  element("username").textContent = user?.username;
  element("email").textContent = user?.email;
  if (user) await drawConnections().catch((error) => (failure ??= error));
  const section = user ? "signed-in" : "signed-out";
  if (failure) showError(section, failure);
  else show(section, message);
}

for (const button of document.querySelectorAll("[data-provider], #try-again")) {
  button.addEventListener("click", () => signIn(button.dataset.provider));
}
element("sign-out").addEventListener("click", signOut);
element("transport").textContent =
  transport === "cookie"
    ? "This page and its API are one origin. A login that has begun is remembered in an HttpOnly cookie."
    : `The API of this page is on another origin, ${new URL(api).origin}. No cookie goes there: a login that has begun is remembered by the page.`;
// When the browser brings this page back from its cache, it still says "Taking you …".
addEventListener("pageshow", ({ persisted }) => persisted && start());
start();
