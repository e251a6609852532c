// @ts-check
/**
 * A client for the REST endpoints of django-social-endpoints.
 *
 * Create one client for a page. A button calls `signIn()`, and the page at the redirect URI calls
 * `complete()`.
 *
 * @module
 */

/** Number of logins that a tab remembers. */
const MAX_RECORDS = 10;
/** Milliseconds in which the opener must acknowledge the callback of a popup. */
const ACKNOWLEDGEMENT_TIMEOUT = 1000;
/** Milliseconds between two looks at a popup. It may be closed soon after it reaches the provider. */
const POLL_INTERVAL = 20;
/** Looks at a closed popup, one after the other, after which the user has probably closed it. */
const CLOSED_POLLS = 15;
/** Looks after which the user must have closed it. */
const MAX_CLOSED_POLLS = 500;
/** Base of relative URLs where there is no page. */
const BASE = "http://localhost";

/**
 * Translate a text with Django's `JavaScriptCatalog`, if the page has loaded it.
 *
 * @param {string} text
 * @returns {string}
 */
const gettext = (text) => /** @type {any} */ (globalThis).gettext?.(text) ?? text;

/** A refusal by the server, or a failure of the login. `message` is a text for the user. */
export class SocialError extends Error {
  /**
   * @param {string} message
   * @param {object} details
   * @param {string} details.code
   * @param {Recovery} details.recovery
   * @param {string | null} [details.stage]
   * @param {string | null} [details.id]
   * @param {Record<string, string[]>} [details.fields]
   * @param {number} [details.status]
   * @param {number | null} [details.retryAfter]
   * @param {unknown} [details.cause]
   */
  constructor(message, details) {
    super(message, { cause: details.cause });
    this.name = "SocialError";
    /** Stable code, for example `state_mismatch`. Have a default branch: codes may be added. */
    this.code = details.code;
    /** What to offer to the user, for example `restart_login` or `retry_later`. */
    this.recovery = details.recovery;
    /** Part of the login that failed, or null. */
    this.stage = details.stage ?? null;
    /** Identifier of the error in the log of the server, or null. */
    this.id = details.id ?? null;
    /** Messages for each field of a form. */
    this.fields = details.fields ?? {};
    /** HTTP status. 0 if there was no response. */
    this.status = details.status ?? 0;
    /** Seconds after which to try again, or null. */
    this.retryAfter = details.retryAfter ?? null;
  }
}

/**
 * Create a nonce for an ID token. The SDK gets `sha256`, and `signInWithToken()` gets `value`.
 *
 * @returns {Promise<{ value: string, sha256: string }>} `sha256` is in hexadecimal digits.
 */
export async function createNonce() {
  // Browsers hide it from pages without HTTPS, except on localhost.
  if (!globalThis.crypto?.subtle) {
    throw new Error("createNonce() needs WebCrypto, which is only available with HTTPS.");
  }
  const value = toHex(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value));
  return { value, sha256: toHex(new Uint8Array(digest)) };
}

/**
 * Create a client. Create it once for a page, and on a server once for each request.
 *
 * @template [Body={ token: string }] The response body of a completed login.
 * @param {ClientOptions} options
 */
export function createClient({ baseUrl, credentials, headers, storage }) {
  const base = String(baseUrl).replace(/\/?$/, "/");
  // Clients of different APIs must not mix their logins.
  const storageKey = `social-endpoints:${base}`;

  /** @typedef {Completed<Body> | PausedResult} Outcome */
  /** @typedef {Outcome | AlreadyCompleted} Result */

  // --- Requests --------------------------------------------------------------------------

  /**
   * @param {string} path
   * @param {string} [method]
   * @param {object} [body]
   * @returns {Promise<{ status: number, data: any }>}
   */
  async function request(path, method = "GET", body) {
    const sent = new Headers(typeof headers === "function" ? await headers() : headers);
    if (body) sent.set("Content-Type", "application/json");
    let response, text;
    try {
      response = await fetch(base + path, {
        method,
        headers: sent,
        credentials,
        body: body && JSON.stringify(body),
      });
      text = await response.text();
    } catch (cause) {
      // Translators: Shown to the user. The browser is offline, for example.
      throw new SocialError(gettext("The server cannot be reached. Please try again."), {
        code: "network_error",
        recovery: "retry_later",
        cause,
      });
    }
    const data = parseJSON(text);
    if (response.ok && (data !== undefined || !text)) return { status: response.status, data };
    throw toError(response, data);
  }

  /** @param {string} provider @param {boolean} [connect] */
  const providerPath = (provider, connect) =>
    `o/${encodeURIComponent(provider)}/${connect ? "connect/" : ""}`;

  /** @type {Promise<any> | undefined} The refresh in progress. */
  let refreshing;

  // --- Storage ---------------------------------------------------------------------------

  /** @type {FlowRecord[] | undefined} The records, if there is no storage or it is full. */
  let unstored;

  /** @returns {FlowRecord[]} The logins of this tab, the newest one last. */
  function load() {
    if (unstored) return unstored;
    try {
      const records = parseJSON(getStorage()?.getItem(storageKey) ?? "");
      return Array.isArray(records) ? records.filter((record) => record?.provider) : [];
    } catch {
      return []; // Access is denied.
    }
  }

  /** @param {FlowRecord} record Added as the newest one. It replaces its earlier version. */
  function save(record) {
    const records = withRecord(record);
    const text = JSON.stringify(records);
    try {
      /** @type {FlowStorage} */ (getStorage()).setItem(storageKey, text);
      unstored = undefined;
    } catch {
      unstored = records;
    }
  }

  /** @param {FlowRecord} record */
  function withRecord(record) {
    const others = load().filter(({ key }) => key !== record.key);
    return [...others, record].slice(-MAX_RECORDS);
  }

  function getStorage() {
    // Node.js and Deno have a sessionStorage, which all users of a server would share.
    return storage ?? (globalThis.location && globalThis.sessionStorage);
  }

  // --- Sign-in by redirect ---------------------------------------------------------------

  /**
   * @param {string} provider
   * @param {SignInOptions & { connect?: boolean }} options
   * @returns {Promise<{ url: string, record: FlowRecord }>}
   */
  async function begin(provider, { redirectUri, next, params, connect = false }) {
    const query = new URLSearchParams({ ...params, redirect_uri: String(redirectUri) });
    const { data } = await request(`${providerPath(provider, connect)}?${query}`);
    const sent = new URL(data.authorization_url).searchParams;
    const state = sent.get("state");
    completion = undefined; // A new login must not return the result of the previous one.
    const record = {
      key: Math.random(),
      id: state ?? sent.get("oauth_token"),
      stateless: state === null,
      provider,
      connect,
      flow: data.flow,
      redirectUri: String(redirectUri),
      next,
    };
    return { url: data.authorization_url, record };
  }

  /**
   * @template [R=void]
   * @param {string} provider
   * @param {SignInOptions & { connect?: boolean, navigate?: (url: string) => R }} options
   * @returns {Promise<Awaited<R>>}
   */
  async function redirect(provider, options) {
    const { url, record } = await begin(provider, options);
    save(record);
    const navigate = options.navigate ?? /** @type {(url: string) => R} */ (leavePage);
    return await navigate(url);
  }

  /**
   * The completion of this page, for calls that repeat it. It contains the callback's parameters,
   * which are never stored. After a success it is forgotten, because its result contains a token.
   *
   * @type {{ callback: string, run: () => Promise<Result>, promise?: Promise<Result> } | undefined}
   */
  let completion;

  /** @returns {Promise<Result>} */
  function repeatCompletion() {
    const current = /** @type {NonNullable<typeof completion>} */ (completion);
    current.promise ??= current.run().then(
      (result) => {
        // Without a record, a popup has nothing else that shows its success.
        if (completion === current && !("alreadyCompleted" in result)) completion = undefined;
        return result;
      },
      (error) => {
        // The next call sends the request again. A 401 or a 403 comes before the flow is used.
        if (!isFinal(error) || [401, 403].includes(error.status)) current.promise = undefined;
        throw error;
      },
    );
    return current.promise;
  }

  /**
   * Find the login that a callback belongs to.
   *
   * @param {Record<string, string>} params
   */
  function findRecord(params) {
    const records = load();
    const id = getCallbackId(params);
    return (
      records.findLast((record) => id !== undefined && record.id === id) ??
      records.findLast((record) => record.stateless)
    );
  }

  /**
   * Complete a login with the parameters of its callback.
   *
   * @param {FlowRecord} record
   * @param {Record<string, string>} params
   */
  async function finishCallback(record, params) {
    save(record); // Now it is the newest login.
    const id = getCallbackId(params);
    // So a login that was begun without a state is found after a reload.
    const identified = id === undefined ? record : { ...record, id, stateless: false };
    try {
      // Anyone can write a link to the callback page. It must not contain our own parameters.
      return await finish(identified, { ...params, partial_token: undefined });
    } catch (error) {
      if (isFinal(error)) saveError(record, error);
      throw error;
    }
  }

  /** @param {FlowRecord} record @param {SocialError} error */
  function saveError(record, error) {
    save({ ...record, paused: undefined, error: { ...error, message: error.message } });
  }

  /**
   * Send the request that completes or resumes a login.
   *
   * @param {FlowRecord} record
   * @param {object} params What the provider sent, or what a paused login requested.
   * @returns {Promise<Outcome>}
   */
  async function finish(record, params) {
    const path = providerPath(record.provider, record.connect);
    const { status, data } = await request(path, "POST", { ...params, flow: record.flow });
    return saveOutcome(record, status, data);
  }

  /** @param {FlowRecord} record @param {number} status @param {any} data */
  function saveOutcome(record, status, data) {
    const { next } = record;
    if (status !== 202) {
      save({ ...record, flow: undefined, paused: undefined, done: true });
      return { ...data, next };
    }
    const { flow, partial_token, redirect_to, fields } = data;
    const paused = { partial_token, redirect_to, fields };
    save({ ...record, flow, paused });
    return { ...paused, next };
  }

  /** @param {FlowRecord} [record] @returns {Result | undefined} */
  function getEarlierResult(record) {
    if (record?.done) return { alreadyCompleted: true, next: record.next };
    if (record?.paused) return { ...record.paused, next: record.next };
  }

  // --- Popup -----------------------------------------------------------------------------

  /**
   * In the opener: wait for the callback of a popup, and complete the login.
   *
   * @param {Window} popupWindow
   * @param {FlowRecord} record
   * @returns {Promise<Outcome>}
   */
  function receiveCallback(popupWindow, record) {
    // Only pages of the same origin can read or send messages.
    const channel = new BroadcastChannel(storageKey);
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearInterval(timer);
        removeEventListener("focus", onFocus);
        channel.close();
      };
      // With a Cross-Origin-Opener-Policy, an open window looks closed. So the window only counts as
      // closed if this page has seen it at the provider, or if the user has returned to this page.
      let wasAtProvider = false;
      let hasReturned = false;
      let closedPolls = 0;
      const onFocus = () => (hasReturned = true);
      addEventListener("focus", onFocus);
      const timer = setInterval(() => {
        wasAtProvider ||= !popupWindow.closed && hasLeft(popupWindow);
        closedPolls = popupWindow.closed && document.hasFocus() ? closedPolls + 1 : 0;
        // A window that is being cut looks for a moment as if it was open at the provider.
        if (closedPolls > (wasAtProvider || hasReturned ? CLOSED_POLLS : MAX_CLOSED_POLLS)) {
          stop();
          reject(createClosedError());
        }
      }, POLL_INTERVAL);
      channel.onmessage = ({ data: { from, key, id, params } }) => {
        if (key !== record.key && (id === undefined || id !== record.id)) return;
        channel.postMessage({ to: from });
        if (!params) return;
        stop();
        resolve(finishCallback(record, params));
      };
    });
  }

  /**
   * In the popup: send the callback to the opener, and close the window.
   *
   * @param {FlowRecord | undefined} record
   * @param {Record<string, string>} params
   * @returns {Promise<AlreadyCompleted | undefined>} Undefined if no opener has acknowledged.
   */
  async function sendCallback(record, params) {
    const channel = new BroadcastChannel(storageKey);
    const message = { from: Math.random(), key: record?.key, id: getCallbackId(params) };
    /** @param {object} content @returns {Promise<boolean>} Whether it was acknowledged. */
    const send = (content) =>
      new Promise((resolve) => {
        channel.onmessage = ({ data }) => data.to === message.from && resolve(true);
        channel.postMessage(content);
        setTimeout(resolve, ACKNOWLEDGEMENT_TIMEOUT, false);
      });
    // An opener that was suspended must not find the parameters later and use them again. So they
    // are sent after the first acknowledgement.
    const isAcknowledged = await send(message);
    if (isAcknowledged) await send({ ...message, params });
    channel.close();
    if (!isAcknowledged) return undefined;
    if (record) save({ ...record, flow: undefined, done: true });
    window.close();
    // The page must not change while the window closes.
    await new Promise((resolve) => setTimeout(resolve, ACKNOWLEDGEMENT_TIMEOUT));
    return { alreadyCompleted: true, next: record?.next };
  }

  return {
    createNonce,

    /**
     * List the configured providers.
     *
     * @returns {Promise<Provider[]>}
     */
    async providers() {
      return (await request("o/")).data;
    },

    /**
     * Begin a login and send the browser to the provider.
     *
     * @template [R=void]
     * @param {string} provider
     * @param {SignInOptions & { navigate?: (url: string) => R }} options `navigate` replaces
     *     `location.assign`, for example in a native app.
     * @returns {Promise<Awaited<R>>} What `navigate` returns.
     */
    signIn(provider, options) {
      return redirect(provider, { ...options, connect: false });
    },

    /**
     * Begin to connect one more identity to the signed-in user.
     *
     * @template [R=void]
     * @param {string} provider
     * @param {SignInOptions & { navigate?: (url: string) => R }} options `params.scope` asks for more
     *     access.
     * @returns {Promise<Awaited<R>>} What `navigate` returns.
     */
    connect(provider, options) {
      return redirect(provider, { ...options, connect: true });
    },

    /**
     * Sign in, or connect, in a window of its own. Call it directly in the handler of a click, because
     * browsers block other windows. If the window is blocked, the page goes to the provider.
     *
     * @param {string} provider
     * @param {SignInOptions & { connect?: boolean }} options
     * @returns {Promise<Outcome>}
     */
    async popup(provider, options) {
      const popupWindow =
        typeof BroadcastChannel === "undefined"
          ? null
          : window.open("", "_blank", "popup,width=500,height=700");
      if (!popupWindow || popupWindow.closed) {
        await redirect(provider, options);
        return new Promise(() => {}); // The browser leaves this page.
      }
      try {
        const { url, record } = await begin(provider, options);
        // No provider's policy hides the window yet, so the user has closed it.
        if (popupWindow.closed) throw createClosedError();
        const result = receiveCallback(popupWindow, record);
        try {
          // So the popup can complete the login itself if it has lost this page.
          const copy = withRecord({ ...record, popup: true });
          (storage ?? popupWindow.sessionStorage).setItem(storageKey, JSON.stringify(copy));
        } catch {
          // Access is denied. Then this page completes the login.
        }
        popupWindow.location.replace(url);
        return await result;
      } catch (error) {
        popupWindow.close();
        throw error;
      }
    },

    /**
     * Complete a login or a connect with the parameters of the callback page. Call it as often as
     * necessary: it sends one request. It removes the parameters from the URL of the page.
     *
     * @param {string | { href: string }} [url]
     * @returns {Promise<Result>} The response body and `next`.
     * @throws {SocialError}
     */
    async complete(url = globalThis.location ?? "") {
      const page = new URL(
        typeof url === "string" ? url : url.href,
        globalThis.location?.href ?? BASE,
      );
      const search = getCallbackParams(page);
      const params = Object.fromEntries(search);
      const record = findRecord(params);
      const newest = load().at(-1);
      const own = new URLSearchParams(getQuery((record ?? newest)?.redirectUri ?? ""));
      const isCallback = [...search.keys()].some((name) => !own.has(name));
      if (!isCallback || (!record && getCallbackId(params) === undefined)) {
        // There is no callback, for example after a reload. A server has no page, so there the result
        // may be that of another user.
        if (completion && globalThis.location) return repeatCompletion();
        const earlier = getEarlierResult(newest);
        if (earlier) return earlier;
        const { error } = newest ?? {};
        throw error ? new SocialError(error.message, error) : createMissingError();
      }
      if (completion?.callback === String(search)) return repeatCompletion();
      // Without a record, another page may have opened this one as a popup.
      if (!record && !globalThis.opener) throw createMissingError();
      if (record && page.href === globalThis.location?.href) {
        const hash = isCallbackHash(page.hash) ? "" : page.hash;
        const query = getQuery(/** @type {string} */ (record.redirectUri));
        // Routers store their own data in the state.
        history.replaceState(history.state, "", page.pathname + query + hash);
      }
      const earlier = getEarlierResult(record);
      if (earlier) return earlier;
      completion = {
        callback: String(search),
        async run() {
          if (!record || record.popup) {
            const result = await sendCallback(record, params);
            if (result) return result;
          }
          if (!record) throw createMissingError();
          return finishCallback(record, params);
        },
      };
      return repeatCompletion();
    },

    /**
     * Resume a paused login with what the user has entered.
     *
     * @param {string | null} partialToken
     * @param {Record<string, any>} [fields]
     * @returns {Promise<Outcome>}
     */
    async resume(partialToken, fields) {
      const record = load().findLast(
        ({ paused }) => partialToken && paused?.partial_token === partialToken,
      );
      if (!record) throw createMissingError();
      try {
        return await finish(record, { ...fields, partial_token: partialToken });
      } catch (error) {
        // After other errors, the user can correct the form.
        if (isFinal(error) && error.recovery === "restart_login") saveError(record, error);
        throw error;
      }
    },

    /**
     * Sign in, or connect, with tokens that an SDK of the provider obtained.
     *
     * @param {string} provider
     * @param {NativeTokens} tokens
     * @returns {Promise<Body | Connection | PausedResult>}
     */
    async signInWithToken(provider, { idToken, accessToken, nonce, user, connect = false }) {
      const { status, data } = await request(`${providerPath(provider, connect)}token/`, "POST", {
        id_token: idToken,
        access_token: accessToken,
        nonce,
        user,
      });
      if (status !== 202) return data;
      const key = Math.random();
      return saveOutcome({ key, provider, connect, id: null, stateless: false }, status, data);
    },

    /**
     * List the connections of the signed-in user, from all pages of the list.
     *
     * @returns {Promise<Connection[]>}
     */
    async connections() {
      /** @type {Connection[]} */
      const connections = [];
      let query = "";
      do {
        const { data } = await request(`connections/${query}`);
        connections.push(...(data.results ?? data));
        query = data.next ? getQuery(data.next) : "";
      } while (query);
      return connections;
    },

    /**
     * Disconnect one connection.
     *
     * @param {number | string} id
     * @returns {Promise<Paused | undefined>} `Paused` if the project asks for something first.
     */
    async disconnect(id) {
      return (await request(`connections/${encodeURIComponent(id)}/`, "DELETE")).data;
    },

    /**
     * Return the signed-in user.
     *
     * @template [User=CurrentUser] The response body, if the project has a serializer of its own.
     * @returns {Promise<User | null>} Null if the user is not signed in, or the access token has expired.
     */
    async currentUser() {
      try {
        return (await request("me/")).data;
      } catch (error) {
        if (error instanceof SocialError && error.status === 401) return null;
        throw error;
      }
    },

    /**
     * Get a new access token. Calls during the request share it, because a server may accept a refresh
     * token only once.
     *
     * @param {string} [refresh] Refresh token, unless it is in a cookie.
     * @returns {Promise<RefreshedTokens | undefined>} Undefined if the new tokens are in cookies.
     */
    async refresh(refresh) {
      const send = () => request("refresh/", "POST", { refresh });
      // Tabs share the cookies, so the next tab must send the new one.
      const locks = globalThis.navigator?.locks;
      refreshing ??= (locks ? locks.request(storageKey, send) : send()).finally(() => {
        refreshing = undefined;
      });
      const { data } = await /** @type {Promise<any>} */ (refreshing);
      return data;
    },

    /**
     * End this login, or go to the provider to sign out there.
     *
     * @template [R=void]
     * @param {string | null} [provider] If given, sign out at this provider. The login must be valid.
     * @param {object} [options]
     * @param {string | URL} [options.postLogoutRedirectUri] Where the provider sends the browser then.
     * @param {(url: string) => R} [options.navigate] It replaces `location.assign`.
     * @param {string} [options.refresh] Refresh token of Simple JWT, to end a login without provider.
     * @returns {Promise<Awaited<R> | void>} What `navigate` returns.
     */
    async logout(provider, { postLogoutRedirectUri, navigate, refresh } = {}) {
      if (!provider) {
        await request("logout/", "POST", { refresh });
        return undefined;
      }
      const query = new URLSearchParams({
        post_logout_redirect_uri: String(postLogoutRedirectUri ?? ""),
      });
      const { data } = await request(`${providerPath(provider)}logout/?${query}`);
      return await (navigate ?? leavePage)(data.logout_url);
    },
  };
}

// --- Callbacks ---------------------------------------------------------------------------

/** @param {URL} url @returns {URLSearchParams} The parameters in the query and in the fragment. */
function getCallbackParams({ search, hash }) {
  return new URLSearchParams(isCallbackHash(hash) ? `${search}&${hash.slice(1)}` : search);
}

/** @param {string} hash @returns {boolean} Whether it has parameters, unlike the path of a router. */
const isCallbackHash = (hash) => /^#[^/!]*=/.test(hash);

/** @param {Record<string, string>} params OAuth 1.0a has no state. Its token identifies the login. */
const getCallbackId = ({ state, oauth_token, denied }) => state ?? oauth_token ?? denied;

/** @param {string} url @returns {string} The query of a URL, which may be relative. */
const getQuery = (url) => new URL(url, BASE).search;

/** @param {string} url */
const leavePage = (url) => location.assign(url);

/** @param {Window} popupWindow @returns {boolean} Whether it shows another page than the first one. */
function hasLeft(popupWindow) {
  try {
    return popupWindow.location.href !== "about:blank";
  } catch {
    return true; // Pages of other origins are hidden.
  }
}

// --- Errors ------------------------------------------------------------------------------

/** @param {string} code @param {string} message */
const createError = (code, message) =>
  new SocialError(message, { code, recovery: "restart_login" });

/** @param {unknown} error @returns {error is SocialError} Whether the same request would fail again. */
const isFinal = (error) => error instanceof SocialError && error.recovery !== "retry_later";

function createClosedError() {
  // Translators: Shown to the user, who has closed the window of the provider.
  const text = gettext("The window was closed before the sign-in was complete.");
  return createError("popup_closed", text);
}

function createMissingError() {
  // Translators: Shown to the user, who has opened the page for the end of a login.
  const text = gettext("There is no sign-in to complete. Please sign in again.");
  return createError("session_context_missing", text);
}

/**
 * Read an error response: of the endpoints, of a project's exception handler, or of a proxy.
 *
 * @param {Response} response
 * @param {any} data The parsed body, or undefined.
 */
function toError({ status, headers }, data) {
  const { error_code, error_recovery, error_stage, error_id, detail, non_field_errors, ...rest } =
    Object(data);
  /** @type {Record<string, string[]>} */
  const fields = {};
  // The shape of drf-standardized-errors.
  /** @type {{ attr?: string | null, code?: string, detail: string }[]} */
  const errors = Array.isArray(rest.errors) && rest.errors[0]?.detail ? rest.errors : [];
  for (const { attr, detail } of errors) {
    if (attr && attr !== "non_field_errors") fields[attr] = [...(fields[attr] ?? []), detail];
  }
  if (status === 400 && !errors.length) {
    for (const [name, value] of Object.entries(rest)) {
      if (Object(value) === value) fields[name] = getTexts(value);
    }
  }
  const general = getTexts([non_field_errors, detail, errors.map((error) => error.detail)]);
  const texts = general.length ? general : getTexts(fields);
  // Translators: Shown to the user. The number is the HTTP status.
  const unexpected = gettext("The server sent an unexpected response (%(status)s).");
  const text = texts.join(" ") || unexpected.replace("%(status)s", String(status));
  return new SocialError(text, {
    code: error_code ?? errors[0]?.code ?? rest.code ?? "unexpected_response",
    recovery: error_recovery ?? getRecovery(status, fields),
    stage: error_stage,
    id: error_id,
    fields,
    status,
    retryAfter: getRetryAfter(headers.get("Retry-After")),
  });
}

/** @param {number} status @param {object} fields @returns {Recovery} For other servers' errors. */
function getRecovery(status, fields) {
  if ([429, 502, 503, 504].includes(status)) return "retry_later";
  if (status === 401) return "reauthenticate";
  if (status !== 400) return "contact_administrator";
  return Object.keys(fields).length ? "correct_input" : "restart_login";
}

/** @param {string | null} value Seconds, or a date. @returns {number | null} */
function getRetryAfter(value) {
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, Math.ceil(seconds));
}

/** @param {any} value @returns {string[]} The texts in lists and objects. */
const getTexts = (value) =>
  typeof value === "string" ? [value] : Object.values(value ?? {}).flatMap(getTexts);

// --- Encoding ----------------------------------------------------------------------------

/** @param {string} text */
function parseJSON(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {Uint8Array} bytes */
const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// --- Types -------------------------------------------------------------------------------

/**
 * @typedef {"redirect" | "id_token" | "access_token" | "connect"} Capability
 *
 * @typedef {object} Provider A configured provider, for drawing a button.
 * @property {string} name Name of the provider, the argument of the other methods.
 * @property {string} title Text for a button.
 * @property {string | null} icon URL of an image.
 * @property {string} protocol
 * @property {string | null} begin_url Null if the provider has no login by redirect.
 * @property {Capability[]} capabilities What the provider can be used for.
 *
 * @typedef {object} Connection An identity at a provider that is linked to the signed-in user.
 * @property {number | string} id
 * @property {string} provider
 * @property {string} title
 * @property {string} uid
 * @property {string} created
 * @property {string} last_used
 * @property {string[]} scopes Scopes that the provider granted. Empty if they are unknown.
 * @property {boolean} needs_reconnect Whether the provider's tokens have ended.
 *
 * @typedef {object} CurrentUser The signed-in user.
 * @property {number | string} id
 * @property {string} username
 * @property {string} email Empty if it is unknown.
 * @property {string} name Empty if it is unknown.
 *
 * @typedef {object} RefreshedTokens
 * @property {string} access
 * @property {string} [refresh] If present, it replaces the refresh token.
 *
 * @typedef {object} Field A form field that a paused login requests.
 * @property {string} name
 * @property {string} type
 * @property {boolean} required
 * @property {string} label
 * @property {string} help_text
 * @property {{ value: any, display_name: string }[] | null} choices
 * @property {number} [min_length]
 * @property {number} [max_length]
 * @property {any} [min_value]
 * @property {any} [max_value]
 * @property {number} [max_digits]
 * @property {number} [decimal_places]
 * @property {Record<string, any>} [child]
 * @property {Record<string, any>} [children]
 *
 * @typedef {object} Paused A login that waits for the user.
 * @property {string | null} partial_token Argument of `resume()`. Null if there is nothing to resume.
 * @property {string | null} redirect_to URL that the server wants the user to visit.
 * @property {Field[] | null} fields Fields of the form to draw.
 */

/**
 * @typedef {object} ClientOptions
 * @property {string | URL} baseUrl URL below which the project includes the endpoints, for example
 *     `/auth/`. It may lack the final slash.
 * @property {"omit" | "same-origin" | "include"} [credentials] Passed to `fetch`. `"include"` if cookies must reach
 *     another origin.
 * @property {RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>)} [headers] Headers of each
 *     request, or a function that returns them.
 * @property {FlowStorage} [storage] Where logins in progress are stored. The default is
 *     `sessionStorage`, or the memory outside of a browser.
 *
 * @typedef {Record<string, string> | [string, string][] | Headers | undefined} RequestHeaders
 *
 * @typedef {object} FlowStorage For example `localStorage`.
 * @property {(key: string) => string | null | undefined} getItem
 * @property {(key: string, value: string) => void} setItem
 *
 * @typedef {object} SignInOptions
 * @property {string | URL} redirectUri URL of the page that calls `complete()`.
 * @property {any} [next] Value that `complete()` returns, for example the path to show then. It is
 *     stored as JSON.
 * @property {Record<string, string>} [params] More query parameters for the begin request.
 *
 * @typedef {object} NativeTokens
 * @property {string} [idToken]
 * @property {string} [accessToken]
 * @property {string} [nonce] `value` of `createNonce()`.
 * @property {any} [user] The `user` of the first sign-in with Apple.
 * @property {boolean} [connect] Whether to connect the identity to the signed-in user.
 *
 * @typedef {object} AlreadyCompleted The login has succeeded before, for example before a reload.
 * @property {true} alreadyCompleted
 * @property {any} next
 */

/**
 * @template Body
 * @typedef {(Body | Connection) & { next: any }} Completed The body of the response,
 *     and the value that `signIn()` got.
 */

/** @typedef {Paused & { next: any }} PausedResult */

/**
 * @template Body
 * @typedef {ReturnType<typeof createClient<Body>>} Client
 */

/**
 * A login as the storage contains it. Private.
 *
 * @typedef {object} FlowRecord
 * @property {number} key
 * @property {string | null} id Value in the callback that identifies the login.
 * @property {boolean} stateless Whether the login was begun without a state.
 * @property {string} provider
 * @property {boolean} connect
 * @property {string} [flow]
 * @property {string} [redirectUri] Absent after a native sign-in.
 * @property {any} [next]
 * @property {boolean} [popup] Whether it is the copy in the storage of a popup.
 * @property {Paused} [paused]
 * @property {{ message: string, code: string, recovery: string }} [error] Why the server refused it.
 * @property {boolean} [done]
 */

/**
 * @typedef {"restart_login" | "retry_later" | "reauthenticate" | "reconnect" | "correct_input"
 *     | "use_existing_account" | "check_provider_profile" | "contact_administrator"
 *     | "none" | (string & {})} Recovery
 */
