// The page in one module: login, requests to the API, and user interface.

// The URL of the API, and the transport of the flow: "cookie" if the page is on the API's
// origin, else "body".
const { api, transport } = await (await fetch("/config.json")).json();
const redirectUri = `${location.origin}/login/callback/`;

// --- The login ---------------------------------------------------------------------

// Begin a login, or begin to connect one more identity to the account. Returns the
// provider's URL for the browser.
export async function beginLogin(provider, { connect = false } = {}) {
  const { authorization_url, flow } = await request(
    `${endpoint(provider, connect)}?redirect_uri=${encodeURIComponent(redirectUri)}`,
    { provider, token: connect && token.get() },
  );
  // The callback finds the login by its state, so that several can be open in one tab.
  // With the cookie transport the flow is in an HttpOnly cookie, which scripts cannot read.
  const state = new URL(authorization_url).searchParams.get("state");
  storeLogin(state, { provider, connect, flow: transport === "body" ? flow : undefined });
  return authorization_url;
}

const endpoint = (provider, connect) => `auth/o/${provider}/${connect ? "connect/" : ""}`;

// Complete the login with the parameters of the callback. Calling this again (React calls
// effects twice in development) sends no second request. Returns `{ token, provider }` after a
// login and the connection after connecting.
let completion;
export function completeLogin() {
  return (completion ??= complete(new URLSearchParams(`${location.search}&${location.hash.slice(1)}`)));
}

async function complete(callback) {
  // Remove the code from the address, so that it is not in the history or in a bookmark.
  history.replaceState(null, "", location.pathname);
  const state = callback.get("state");
  // SAML has no state in the authorization URL. Its callback belongs to the login that began
  // last in this tab.
  const { provider, connect, flow, used } = loadLogin(state) ?? takeLogin(null) ?? {};
  if (!provider) throw new LoginError("This login was not begun in this tab.");
  if (used) throw new LoginError("This login has been used already.", provider);
  storeLogin(state, { provider, used: true });
  // Send all parameters, including the error of a user who has declined.
  const body = { ...Object.fromEntries(callback), flow };
  const options = { method: "POST", body, provider, token: connect && token.get() };
  return { provider, ...(await request(endpoint(provider, connect), options)) };
}

const storeLogin = (state, login) =>
  sessionStorage.setItem(`login:${state}`, JSON.stringify(login));
const loadLogin = (state) => JSON.parse(sessionStorage.getItem(`login:${state}`));
function takeLogin(state) {
  const login = loadLogin(state);
  sessionStorage.removeItem(`login:${state}`);
  return login;
}

// --- The logout ----------------------------------------------------------------------

async function signOutHere() {
  try {
    await request("auth/logout/", { method: "POST", token: token.get() });
  } catch (error) {
    if (error.status !== 401) throw error; // Otherwise, the user is signed out already.
  }
}

// Sign out at the provider. Returns the provider's URL for the browser.
async function beginLogout(provider) {
  const uri = encodeURIComponent(`${location.origin}/`);
  const { logout_url, state } = await request(
    `auth/o/${provider}/logout/?post_logout_redirect_uri=${uri}`,
    { provider, token: token.get() },
  );
  sessionStorage.setItem("logout", state);
  return logout_url;
}

// Return whether the provider has just sent the browser back after a logout of this tab.
function completeLogout() {
  const state = new URLSearchParams(location.search).get("state");
  history.replaceState(null, "", location.pathname);
  const expected = sessionStorage.getItem("logout");
  sessionStorage.removeItem("logout");
  return state !== null && state === expected;
}

// --- Requests and errors -------------------------------------------------------------

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
  const fields = Object.values(data).filter(Array.isArray);
  const messages = [data.non_field_errors ?? data.detail ?? fields].flat(2);
  const text = messages.join(" ") || "Something went wrong.";
  const error = new LoginError(text, provider, data.error_recovery ?? "none");
  error.status = response.status;
  throw error;
}

// Advice for the user, by the `error_recovery` of the response.
const HINTS = {
  retry_later: "Please try again in a moment.",
  reauthenticate: "Please sign in with the provider again.",
  check_provider_profile: "Please complete your profile at the provider.",
  use_existing_account: "Please sign in the way you did before.",
  contact_administrator: "If this happens again, please tell the site's administrator.",
};
const CAN_TRY_AGAIN = ["restart_login", "retry_later", "reauthenticate"];

// --- The page ------------------------------------------------------------------------

// Every script on a page can read its sessionStorage. If your page runs scripts of other
// sites, choose a token serializer that puts the token into an HttpOnly cookie.
const token = {
  get: () => sessionStorage.getItem("token"),
  provider: () => sessionStorage.getItem("provider"),
  set: (value, provider) => {
    sessionStorage.setItem("token", value);
    sessionStorage.setItem("provider", provider);
  },
  clear: () => sessionStorage.removeItem("token"),
};
// OAuth 2 without OpenID Connect has no logout.
const PROVIDERS_WITH_LOGOUT = ["demo"];

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
  try {
    await signOutHere();
  } catch (error) {
    return showError("signed-in", error);
  }
  token.clear();
  show("signed-out", "You are signed out.");
}

async function signOutAtProvider() {
  try {
    const url = await beginLogout(token.provider());
    await signOutHere();
    token.clear();
    location.assign(url);
  } catch (error) {
    showError("signed-in", error);
  }
}

// Return the signed-in user, or null.
async function currentUser() {
  if (!token.get()) return null;
  try {
    return await request("api/me/", { token: token.get() });
  } catch (error) {
    if (error.status === 401) token.clear();
    return null;
  }
}

// Show the connections of the account, and a button for each other provider.
async function drawConnections() {
  const [providers, connections] = await Promise.all([
    request("auth/o/"),
    request("auth/connections/", { token: token.get() }),
  ]);
  element("connections").replaceChildren(...connections.map(drawConnection));
  const connected = new Set(connections.map(({ provider }) => provider));
  const others = providers.filter(
    ({ name, capabilities }) => capabilities.includes("connect") && !connected.has(name),
  );
  element("connect").replaceChildren(
    ...others.map(({ name, title }) => button(`Connect ${title}`, () => connect(name))),
  );
}

function drawConnection({ id, provider, title, created, scopes, needs_reconnect }) {
  const item = document.createElement("li");
  const since = new Date(created).toLocaleDateString("en", { dateStyle: "medium" });
  const access = needs_reconnect ? "ended by the provider" : scopes.join(", ") || "unknown";
  const text = document.createElement("span");
  text.append(`${title}, since ${since}`, document.createElement("br"), `Access: ${access}`);
  const ask = needs_reconnect
    ? button("Connect again", () => connect(provider), title)
    : button("Profile", () => showProfile(provider, title), title);
  item.append(text, ask, button("Disconnect", () => disconnect(id, title), title));
  return item;
}

function button(text, action, object = "") {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "secondary";
  element.textContent = text;
  if (object) element.setAttribute("aria-label", `${text} ${object}`);
  element.addEventListener("click", () => {
    element.disabled = true;
    action();
  });
  return element;
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

// The site asks the provider for the profile, with the provider's token that it has stored.
async function showProfile(provider, title) {
  try {
    const { name, email } = await request(`api/profile/${provider}/`, { token: token.get() });
    show("signed-in", `${title} knows you as ${name}, ${email}.`);
  } catch (error) {
    await drawConnections();
    showError("signed-in", error);
  }
}

async function start() {
  let failure;
  let message;
  if (location.pathname === "/login/callback/" && location.search) {
    show("", "Signing you in …");
    try {
      const result = await completeLogin();
      if (result.token) token.set(result.token, result.provider);
      else message = `${result.title} is connected.`;
    } catch (error) {
      failure = error;
    }
  }
  if (location.pathname === "/" && location.search && completeLogout()) {
    message = "You are signed out here and at the provider.";
  }
  const user = await currentUser();
  element("username").textContent = user?.username;
  element("email").textContent = user?.email;
  element("sign-out-at-provider").hidden = !PROVIDERS_WITH_LOGOUT.includes(token.provider());
  if (user) await drawConnections().catch((error) => (failure ??= error));
  const section = user ? "signed-in" : "signed-out";
  if (failure) showError(section, failure);
  else show(section, message);
}

for (const button of document.querySelectorAll("[data-provider], #try-again")) {
  button.addEventListener("click", () => signIn(button.dataset.provider));
}
element("sign-out").addEventListener("click", signOut);
element("sign-out-at-provider").addEventListener("click", signOutAtProvider);
element("transport").textContent =
  transport === "cookie"
    ? "This page is on the origin of its API. A login in progress is stored in an HttpOnly cookie."
    : `The API of this page is on another origin, ${new URL(api).origin}. No cookie is sent there. The page itself stores a login in progress.`;
// A page from the back/forward cache still shows "Taking you to the provider …".
addEventListener("pageshow", ({ persisted }) => persisted && start());
start();
