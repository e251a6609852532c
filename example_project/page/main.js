// The page: sign in, complete the login on the callback page, show the account.
//
// Start reading at start(), at the end. The other modules draw the page (ui.js, form.js), store
// what this tab has to remember (session.js), and create the client of the API (api.js).

import { api, client, currentUser, profile, sameOrigin } from "./api.js";
import { drawForm, showFieldErrors } from "./form.js";
import * as session from "./session.js";
import { button, create, logo, run, say, show, showError, showLoading } from "./ui.js";

const CALLBACK = "/login/callback/";
const inPopup = "popup" in document.body.dataset;
const options = {
  redirectUri: `${location.origin}${CALLBACK}`,
  next: inPopup ? "/popup/" : "/",
};

// --- Sign in and connect ---------------------------------------------------------------

/** Send the user to a provider: to sign in, or to connect one more identity to the account. */
async function begin({ name, title }, connect = false) {
  session.attempt.set({ name, title, connect });
  if (inPopup) {
    // The client opens the window at once, because browsers block it after a pause.
    const completion = client.popup(name, { ...options, connect });
    say("Continue in the window that has opened. Close it to cancel.");
    return accept(await completion);
  }
  say(`Taking you to ${title} …`);
  if (connect) await client.connect(name, options);
  else await client.signIn(name, options);
  await leaving();
}

/** Use the result of a login: a token, a connection, or the questions of a paused login. */
async function accept(result) {
  if (result.fields) return showForm(result);
  if (result.token) {
    session.token.set(result.token);
    session.provider.set(result.provider);
  }
  leaveCallback(result.next);
  await showPage({ message: result.title && `${result.title} is connected.`, focus: true });
}

/** Replace the callback's URL with that of the page where the login began. */
function leaveCallback(next = "/") {
  if (location.pathname === CALLBACK) history.replaceState(null, "", next);
}

function showForm({ partial_token, fields }) {
  const form = drawForm(fields, submit, cancel);
  show("form", "One more step", { content: [form], focus: true });
  say("The site needs this before it creates your account.");

  async function submit(values) {
    try {
      await accept(await client.resume(partial_token, values));
    } catch (error) {
      if (showFieldErrors(form, error.fields ?? {})) return;
      await showPage({ error });
    }
  }

  async function cancel() {
    leaveCallback();
    await showPage({ focus: true });
  }
}

// --- Sign out --------------------------------------------------------------------------

async function signOut() {
  await endLogin();
  await showPage({ message: "You are signed out.", focus: true });
}

/** Sign out of this site and of the provider, which sends the browser back to this site. */
async function signOutOf({ name, title }) {
  await client.logout(name, {
    postLogoutRedirectUri: `${location.origin}/`,
    async navigate(url) {
      await endLogin();
      session.logout.set({ title, state: new URL(url).searchParams.get("state") });
      location.assign(url);
    },
  });
  await leaving();
}

async function endLogin() {
  try {
    await client.logout();
  } catch (error) {
    if (error.status !== 401) throw error; // With 401, the token has ended before.
  }
  session.token.clear();
}

/** Return a message if the provider has just sent the browser back after a logout. */
function logoutMessage() {
  const state = new URLSearchParams(location.search).get("state");
  const expected = session.logout.get();
  if (location.search) history.replaceState(null, "", location.pathname);
  session.logout.clear();
  if (state === null || state !== expected?.state) return "";
  return `You are signed out of this site and of ${expected.title}.`;
}

// --- The account -----------------------------------------------------------------------

function showAccount(user, providers, connections, focus) {
  const connected = new Set(connections.map(({ provider }) => provider));
  const others = providers.filter(
    ({ name, capabilities }) => capabilities.includes("connect") && !connected.has(name),
  );
  const current = providers.find(({ name }) => name === session.provider.get());
  const icons = Object.fromEntries(providers.map(({ name, icon }) => [name, icon]));
  const only = connections.length === 1;
  const text = only
    ? "Connect another provider, and you can still sign in if you lose the first one."
    : "You can sign in with each provider in this list.";
  show("account", "Your account", {
    text,
    focus,
    content: [
      drawPerson(user),
      create("h3", { id: "ways" }, "Ways to sign in"),
      drawList(
        { "aria-labelledby": "ways" },
        connections.map((each) => drawConnection({ ...each, icon: icons[each.provider] }, only)),
      ),
      others.length > 0 && drawList({ "aria-label": "Not connected" }, others.map(drawOther)),
      create("div", { className: "buttons" },
        button("Sign out", guarded(signOut)),
        // Only OpenID Connect has a logout at the provider.
        current?.protocol === "openid_connect" &&
          button(`Sign out of ${current.title}`, guarded(() => signOutOf(current)), {
            className: "quiet",
          }),
      ),
    ].filter(Boolean),
  });
}

const drawPerson = ({ username, first_name, email }) =>
  create("div", { className: "person" },
    create("span", { className: "avatar", ariaHidden: true }, (first_name || username)[0]),
    create("span", {},
      create("span", { className: "name" }, first_name || username),
      " ",
      create("span", { id: "username" }, username),
    ),
    create("span", { className: "email" }, email),
  );

function drawList(attributes, items) {
  const list = create("ul", { className: "rows" }, ...items);
  for (const [name, value] of Object.entries(attributes)) list.setAttribute(name, value);
  return list;
}

function drawConnection(connection, only) {
  const { id, provider, title, created, last_used, scopes, needs_reconnect } = connection;
  const retry = { name: provider, title };
  const used = last_used ? `, last used ${day(last_used)}` : "";
  const access = needs_reconnect
    ? create("span", { className: "detail warning" }, "The provider has ended the access")
    : create("span", { className: "detail" }, `Access: ${scopes.join(", ") || "unknown"}`);
  const small = { object: title, className: "small" };
  return drawRow(connection,
    [create("span", { className: "detail" }, `Since ${day(created)}${used}`), access],
    [
      needs_reconnect
        ? button("Connect again", guarded(() => begin(retry, true)), small)
        : button("Profile", guarded(() => showProfile(provider, title)), small),
      only
        ? create("span", { className: "only" }, "Your only way to sign in")
        : button("Disconnect", guarded(() => disconnect(id, title)), small),
    ],
  );
}

const drawOther = (provider) =>
  drawRow(provider,
    [create("span", { className: "detail" }, "Not connected")],
    [
      button(inPopup ? "Connect in a popup" : "Connect", guarded(() => begin(provider, true)), {
        object: provider.title,
        className: "small",
      }),
    ],
  );

const drawRow = (provider, details, actions) =>
  create("li", {},
    logo(provider),
    create("div", { className: "details" },
      create("span", { className: "title" }, provider.title), ...details),
    create("div", { className: "actions" }, ...actions),
  );

const day = (date) => new Date(date).toLocaleDateString("en", { dateStyle: "medium" });

async function disconnect(id, title) {
  await client.disconnect(id);
  await showPage({ message: `${title} is disconnected.`, focus: true });
}

async function showProfile(provider, title) {
  try {
    const { name, email } = await profile(provider);
    say(`${title} knows you as ${name}, ${email}.`, "success");
  } catch (error) {
    await showPage({ error }); // The list shows whether the provider has ended the access.
  }
}

// --- Errors ----------------------------------------------------------------------------

// What helps, by the `recovery` of an error.
const HINTS = {
  retry_later: "Please try again in a moment.",
  check_provider_profile: "Please complete your profile at the provider.",
  use_existing_account: "Please sign in the way you did before.",
  contact_administrator: "Please write to the site, and name the reference.",
};
const BEGIN_AGAIN = {
  restart_login: "Try again",
  reauthenticate: "Sign in again",
  reconnect: "Connect again",
};

function fail(error) {
  showError(error, HINTS[error.recovery], recoveryButton(error.recovery));
}

function recoveryButton(recovery) {
  const attempt = session.attempt.get();
  const small = { className: "small" };
  if (recovery === "retry_later") {
    // On the callback page, the client sends the same request again.
    const again = location.pathname === CALLBACK || !attempt ? start : retry;
    return button("Try again", guarded(again), small);
  }
  if (recovery in BEGIN_AGAIN && attempt) return button(BEGIN_AGAIN[recovery], guarded(retry), small);
  if (recovery === "contact_administrator") {
    const properties = { href: "mailto:support@example.com", className: "button small" };
    return create("a", properties, "Write to the site");
  }

  function retry() {
    return begin(attempt, attempt.connect);
  }
}

/** Return an action for a button that shows its error. */
function guarded(action) {
  return async () => {
    try {
      await action();
    } catch (error) {
      fail(error);
    }
  };
}

/** Keep a button busy while the browser leaves the page. */
const leaving = () => new Promise(() => {});

// --- The page --------------------------------------------------------------------------

/** Show the account of the signed-in user, or the providers. */
async function showPage({ message, error, focus } = {}) {
  try {
    const [user, providers] = await Promise.all([currentUser(), client.providers()]);
    if (user) showAccount(user, providers, await client.connections(), focus);
    else showSignIn(providers, focus);
  } catch (failure) {
    showSignIn([]);
    error ??= failure;
  }
  if (error) fail(error);
  else if (message) say(message, "success");
}

function showSignIn(providers, focus) {
  const list = create("ul", { className: "providers" });
  for (const provider of providers) {
    if (!provider.capabilities.includes("redirect")) continue;
    const name = inPopup ? `${provider.title} in a popup` : provider.title;
    const item = button(name, guarded(() => begin(provider)), {
      icon: logo(provider),
      className: "provider",
    });
    list.append(create("li", {}, item));
  }
  show("sign-in", "Sign in", { text: drawCredentials(), content: [list], focus });
}

function drawCredentials() {
  const entry = (name, value) => [
    create("dt", {}, name),
    create("dd", {}, create("code", {}, value)),
  ];
  return [
    create("p", {}, "At the demo provider, log in as"),
    create("dl", { className: "credentials" },
      ...entry("User name", "demo"),
      ...entry("Password", "open-sesame"),
    ),
  ];
}

function describePage() {
  const text = (id, value) => (document.getElementById(id).textContent = value);
  text("page-origin", location.origin);
  text("api-url", new URL("auth/", api).href);
  text("transport", sameOrigin
    ? "In an HttpOnly cookie, and in this tab."
    : "In this tab. No cookie is sent, because the API is on another origin.");
  const link = document.getElementById("other-origin");
  const url = new URL(options.next, location.origin);
  url.hostname = sameOrigin ? "localhost" : "127.0.0.1";
  link.href = url.href;
  link.textContent = sameOrigin
    ? "Open this page on localhost, another origin"
    : "Open this page on 127.0.0.1, the origin of the API";
}

async function start() {
  if (location.pathname !== CALLBACK) {
    if (session.token.get()) showLoading("Your account", "", "tall", "tall");
    else showLoading("Sign in", "", "");
    return showPage({ message: logoutMessage() });
  }
  showLoading("Signing you in", "", "tall", "tall");
  try {
    await accept(await client.complete());
  } catch (error) {
    await showPage({ error });
  }
}

document.body.toggleAttribute("data-callback", location.pathname === CALLBACK);
document.body.toggleAttribute("data-signed-in", session.token.get() !== null);
describePage();
start();
// A page from the back/forward cache still shows that it is leaving.
addEventListener("pageshow", ({ persisted }) => persisted && start());
