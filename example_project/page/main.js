// The page: sign in, complete the login on the callback page, show the account.
//
// Start reading at start(), at the end. The other modules draw the page (ui.js, form.js), store
// what this tab has to remember (session.js), and create the client of the API (api.js).

import { api, client, currentUser, profile, sameOrigin } from "./api.js";
import { drawForm, showFieldErrors } from "./form.js";
import * as session from "./session.js";
import { button, create, logo, say, show, showError, showLoading } from "./ui.js";

const CALLBACK = "/login/callback/";
const inPopup = "popup" in document.body.dataset;
const options = {
  redirectUri: `${location.origin}${CALLBACK}`,
  next: inPopup ? "/popup/" : "/",
};

/** Return the title of a provider. On the page with popups, it also names the window. */
const withWindow = (title) => (inPopup ? `${title} in a popup` : title);

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
    session.provider.set(session.attempt.get()?.name ?? null);
  }
  await leaveCallback(result.next);
  await showPage({ message: result.title && `${result.title} is connected.`, focus: true });
}

/** Return from the callback's URL to the page where the login began. */
async function leaveCallback(next = "/") {
  if (location.pathname !== CALLBACK) return;
  if (next === "/") return history.replaceState(null, "", next); // It is the same page.
  location.replace(next);
  await leaving();
}

function showForm({ partial_token, fields }) {
  const form = drawForm(fields, submit, cancel);
  show("form", "One more step", { content: [form], focus: true });
  say("The site needs this before it creates your account.");

  async function submit(values) {
    try {
      await accept(await client.resume(partial_token, values));
    } catch (error) {
      if (showFieldErrors(form, error.fields)) return;
      if (error.recovery === "retry_later") return fail(error, () => submit(values));
      await leaveCallback();
      await showPage({ error, again: beginAgain() });
    }
  }

  async function cancel() {
    await leaveCallback();
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
      create("h3", { id: "connections" }, "Connections"),
      drawList(
        { "aria-labelledby": "connections" },
        connections.map((each) => drawConnection({ ...each, icon: icons[each.provider] }, only)),
      ),
      others.length > 0 && drawList({ "aria-label": "Not connected" }, others.map(drawOther)),
      create("div", { className: "buttons" },
        action("Sign out", signOut),
        // Only OpenID Connect has a logout at the provider.
        current?.protocol === "openid_connect" &&
          action(`Sign out of ${current.title}`, () => signOutOf(current)),
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
      create("span", { id: "username" }, `@${username}`),
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
  const small = { object: title, className: "small" };
  return drawRow(connection,
    [
      create("span", {}, `Since ${day(created)}`),
      create("span", {}, `Last used ${day(last_used)}`),
      needs_reconnect
        ? create("span", { className: "warning" }, "The provider has ended the access")
        : create("span", {}, `Access: ${scopes.join(", ") || "unknown"}`),
    ],
    [
      needs_reconnect
        ? action("Reconnect", () => begin({ name: provider, title }, true), {
            ...small,
            object: withWindow(title),
          })
        : action("Profile", () => showProfile(provider, title), {
            className: "small",
            description: `title-${id}`,
          }),
      only
        ? create("span", { className: "only" }, "Your only way to sign in")
        : action("Disconnect", () => disconnect(id, title), small),
    ],
  );
}

const drawOther = (provider) =>
  drawRow(provider,
    [create("span", {}, "Not connected")],
    [
      action("Connect", () => begin(provider, true), {
        object: withWindow(provider.title),
        className: "small",
      }),
    ],
  );

const drawRow = (provider, details, actions) =>
  create("li", {},
    logo(provider),
    create("span", { className: "title", id: provider.id && `title-${provider.id}` }, provider.title),
    create("div", { className: "details" }, ...details),
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
    const connect = () => begin({ name: provider, title }, true);
    const again = error.recovery === "reconnect" ? connect : () => showProfile(provider, title);
    await showPage({ error, again }); // The list shows whether the provider has ended the access.
  }
}

// --- Errors ----------------------------------------------------------------------------

// What helps, by the `recovery` of an error.
const HINTS = {
  check_provider_profile: "Please complete your profile at the provider.",
  use_existing_account: "Please sign in the way you did before.",
  contact_administrator: "Please write to the site, and name the reference.",
};
const AGAIN = {
  restart_login: "Try again",
  retry_later: "Try again",
  reauthenticate: "Sign in again",
  reconnect: "Reconnect",
};

/** Show an error. If it helps to do something again, `again` does it. */
function fail(error, again) {
  const { recovery } = error;
  const small = { className: "small" };
  let help;
  if (again && recovery in AGAIN) help = action(AGAIN[recovery], again, small);
  if (recovery === "contact_administrator") {
    const properties = { href: "mailto:support@example.com", className: "button small" };
    help = create("a", properties, "Write to the site");
  }
  const wait = error.retryAfter ? `Please wait ${error.retryAfter} seconds.` : undefined;
  showError(error, { hint: wait ?? HINTS[recovery], help });
}

/** Return a function that begins the newest login of this tab again. */
function beginAgain() {
  const attempt = session.attempt.get();
  return attempt && (() => begin(attempt, attempt.connect));
}

/** Create a button for an action. If the action fails, its error is shown. */
function action(text, run, look) {
  const guarded = async () => {
    try {
      await run();
    } catch (error) {
      if (error.status === 401) await showPage({ focus: true }); // It reports the ended session.
      else fail(error, run);
    }
  };
  return button(text, guarded, look);
}

/** Keep a button busy while the browser leaves the page. */
const leaving = () => new Promise(() => {});

// --- The page --------------------------------------------------------------------------

/** Show the account of the signed-in user, or the providers. */
async function showPage({ message, error, again, focus = Boolean(error) } = {}) {
  const hadToken = session.token.get() !== null;
  try {
    const [user, providers] = await Promise.all([currentUser(), client.providers()]);
    if (user) showAccount(user, providers, await client.connections(), focus);
    else showSignIn(providers, focus);
    if (hadToken && !user) return say("Your session has ended. Please sign in again.");
  } catch (failure) {
    show("failed", hadToken ? "Your account" : "Sign in");
    if (!error) [error, again] = [failure, () => showPage({ focus: true })];
  }
  if (error) fail(error, again);
  else if (message) say(message, "success");
}

function showSignIn(providers, focus) {
  const items = providers
    .filter(({ capabilities }) => capabilities.includes("redirect"))
    .map((provider) => {
      const look = { icon: logo(provider), hint: inPopup && "in a popup", className: "provider" };
      return create("li", {}, action(provider.title, () => begin(provider), look));
    });
  const list = create("ul", { className: "providers" }, ...items);
  const after = create("p", { className: "after" }, "Your first sign-in creates an account.");
  const text = "A fake provider stands in for all of these. Its page asks who you are.";
  show("sign-in", "Sign in", { text, content: [list, after], focus });
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
  link.textContent = `Open on ${url.hostname}`;
}

async function start() {
  if (location.pathname !== CALLBACK) {
    if (session.token.get()) showLoading("Your account", "", "tall", "tall");
    else showLoading("Sign in", "", "");
    const message = logoutMessage();
    return showPage({ message, focus: message !== "" });
  }
  showLoading("Signing you in", "", "tall", "tall");
  try {
    await accept(await client.complete());
  } catch (error) {
    // After a temporary failure, complete() sends the same request again.
    const isTemporary = error.recovery === "retry_later";
    if (!isTemporary) await leaveCallback();
    await showPage({ error, again: isTemporary ? start : beginAgain() });
  }
}

describePage();
start();
// A page from the back/forward cache still shows that it is leaving.
addEventListener("pageshow", ({ persisted }) => persisted && start());
