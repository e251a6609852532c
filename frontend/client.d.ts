/**
 * Create a nonce for an ID token. The SDK gets `sha256`, and `signInWithToken()` gets `value`.
 *
 * @returns {Promise<{ value: string, sha256: string }>} `sha256` is in hexadecimal digits.
 */
export function createNonce(): Promise<{
    value: string;
    sha256: string;
}>;
/**
 * Create a client. Create it once for a page, and on a server once for each request.
 *
 * @template [Body={ token: string }] The response body of a completed login.
 * @param {ClientOptions} options
 */
export function createClient<Body = {
    token: string;
}>({ baseUrl, credentials, headers, storage }: ClientOptions): {
    createNonce: typeof createNonce;
    /**
     * List the configured providers.
     *
     * @returns {Promise<Provider[]>}
     */
    providers(): Promise<Provider[]>;
    /**
     * Begin a login and send the browser to the provider.
     *
     * @template [R=void]
     * @param {string} provider
     * @param {SignInOptions & { navigate?: (url: string) => R }} options `navigate` replaces
     *     `location.assign`, for example in a native app.
     * @returns {Promise<Awaited<R>>} What `navigate` returns.
     */
    signIn<R = void>(provider: string, options: SignInOptions & {
        navigate?: (url: string) => R;
    }): Promise<Awaited<R>>;
    /**
     * Begin to connect one more identity to the signed-in user.
     *
     * @template [R=void]
     * @param {string} provider
     * @param {SignInOptions & { navigate?: (url: string) => R }} options `params.scope` asks for more
     *     access.
     * @returns {Promise<Awaited<R>>} What `navigate` returns.
     */
    connect<R = void>(provider: string, options: SignInOptions & {
        navigate?: (url: string) => R;
    }): Promise<Awaited<R>>;
    /**
     * Sign in, or connect, in a window of its own. Call it directly in the handler of a click, because
     * browsers block other windows. If the window is blocked, the page goes to the provider.
     *
     * @param {string} provider
     * @param {SignInOptions & { connect?: boolean }} options
     * @returns {Promise<Outcome>}
     */
    popup(provider: string, options: SignInOptions & {
        connect?: boolean;
    }): Promise<Completed<Body> | PausedResult>;
    /**
     * Complete a login or a connect with the parameters of the callback page. Call it as often as
     * necessary: it sends one request. It removes the parameters from the URL of the page.
     *
     * @param {string | { href: string }} [url]
     * @returns {Promise<Result>} The response body and `next`.
     * @throws {SocialError}
     */
    complete(url?: string | {
        href: string;
    }): Promise<(Completed<Body> | PausedResult) | AlreadyCompleted>;
    /**
     * Resume a paused login with what the user has entered.
     *
     * @param {string | null} partialToken
     * @param {Record<string, any>} [fields]
     * @returns {Promise<Outcome>}
     */
    resume(partialToken: string | null, fields?: Record<string, any>): Promise<Completed<Body> | PausedResult>;
    /**
     * Sign in, or connect, with tokens that an SDK of the provider obtained.
     *
     * @param {string} provider
     * @param {NativeTokens} tokens
     * @returns {Promise<Body | Connection | PausedResult>}
     */
    signInWithToken(provider: string, { idToken, accessToken, nonce, user, connect }: NativeTokens): Promise<Body | Connection | PausedResult>;
    /**
     * List the connections of the signed-in user, from all pages of the list.
     *
     * @returns {Promise<Connection[]>}
     */
    connections(): Promise<Connection[]>;
    /**
     * Disconnect one connection.
     *
     * @param {number | string} id
     * @returns {Promise<Paused | undefined>} `Paused` if the project asks for something first.
     */
    disconnect(id: number | string): Promise<Paused | undefined>;
    /**
     * Return the signed-in user.
     *
     * @template [User=CurrentUser] The response body, if the project has a serializer of its own.
     * @returns {Promise<User | null>} Null if the user is not signed in, or the access token has expired.
     */
    currentUser<User = CurrentUser>(): Promise<User | null>;
    /**
     * Get a new access token. Calls during the request share it, because a server may accept a refresh
     * token only once.
     *
     * @param {string} [refresh] Refresh token, unless it is in a cookie.
     * @returns {Promise<RefreshedTokens | undefined>} Undefined if the new tokens are in cookies.
     */
    refresh(refresh?: string): Promise<RefreshedTokens | undefined>;
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
    logout<R = void>(provider?: string | null, { postLogoutRedirectUri, navigate, refresh }?: {
        postLogoutRedirectUri?: string | URL | undefined;
        navigate?: ((url: string) => R) | undefined;
        refresh?: string | undefined;
    }): Promise<Awaited<R> | void>;
};
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
    constructor(message: string, details: {
        code: string;
        recovery: Recovery;
        stage?: string | null | undefined;
        id?: string | null | undefined;
        fields?: Record<string, string[]> | undefined;
        status?: number | undefined;
        retryAfter?: number | null | undefined;
        cause?: unknown;
    });
    /** Stable code, for example `state_mismatch`. Have a default branch: codes may be added. */
    code: string;
    /** What to offer to the user, for example `restart_login` or `retry_later`. */
    recovery: Recovery;
    /** Part of the login that failed, or null. */
    stage: string | null;
    /** Identifier of the error in the log of the server, or null. */
    id: string | null;
    /** Messages for each field of a form. */
    fields: Record<string, string[]>;
    /** HTTP status. 0 if there was no response. */
    status: number;
    /** Seconds after which to try again, or null. */
    retryAfter: number | null;
}
export type Capability = "redirect" | "id_token" | "access_token" | "connect";
/**
 * A configured provider, for drawing a button.
 */
export type Provider = {
    /**
     * Name of the provider, the argument of the other methods.
     */
    name: string;
    /**
     * Text for a button.
     */
    title: string;
    /**
     * URL of an image.
     */
    icon: string | null;
    protocol: string;
    /**
     * Null if the provider has no login by redirect.
     */
    begin_url: string | null;
    /**
     * What the provider can be used for.
     */
    capabilities: Capability[];
};
/**
 * An identity at a provider that is linked to the signed-in user.
 */
export type Connection = {
    id: number | string;
    provider: string;
    title: string;
    uid: string;
    created: string;
    last_used: string;
    /**
     * Scopes that the provider granted. Empty if they are unknown.
     */
    scopes: string[];
    /**
     * Whether the provider's tokens have ended.
     */
    needs_reconnect: boolean;
};
/**
 * The signed-in user.
 */
export type CurrentUser = {
    id: number | string;
    username: string;
    /**
     * Empty if it is unknown.
     */
    email: string;
    /**
     * Empty if it is unknown.
     */
    name: string;
};
export type RefreshedTokens = {
    access: string;
    /**
     * If present, it replaces the refresh token.
     */
    refresh?: string | undefined;
};
/**
 * A form field that a paused login requests.
 */
export type Field = {
    name: string;
    type: string;
    required: boolean;
    label: string;
    help_text: string;
    choices: {
        value: any;
        display_name: string;
    }[] | null;
    min_length?: number | undefined;
    max_length?: number | undefined;
    min_value?: any;
    max_value?: any;
    max_digits?: number | undefined;
    decimal_places?: number | undefined;
    child?: Record<string, any> | undefined;
    children?: Record<string, any> | undefined;
};
/**
 * A login that waits for the user.
 */
export type Paused = {
    /**
     * Argument of `resume()`. Null if there is nothing to resume.
     */
    partial_token: string | null;
    /**
     * URL that the server wants the user to visit.
     */
    redirect_to: string | null;
    /**
     * Fields of the form to draw.
     */
    fields: Field[] | null;
};
export type ClientOptions = {
    /**
     * URL below which the project includes the endpoints, for example
     * `/auth/`. It may lack the final slash.
     */
    baseUrl: string | URL;
    /**
     * Passed to `fetch`. `"include"` if cookies must reach
     * another origin.
     */
    credentials?: "include" | "omit" | "same-origin" | undefined;
    /**
     * Headers of each
     * request, or a function that returns them.
     */
    headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>);
    /**
     * Where logins in progress are stored. The default is
     * `sessionStorage`, or the memory outside of a browser.
     */
    storage?: FlowStorage | undefined;
};
export type RequestHeaders = Record<string, string> | [string, string][] | Headers | undefined;
/**
 * For example `localStorage`.
 */
export type FlowStorage = {
    getItem: (key: string) => string | null | undefined;
    setItem: (key: string, value: string) => void;
};
export type SignInOptions = {
    /**
     * URL of the page that calls `complete()`.
     */
    redirectUri: string | URL;
    /**
     * Value that `complete()` returns, for example the path to show then. It is
     * stored as JSON.
     */
    next?: any;
    /**
     * More query parameters for the begin request.
     */
    params?: Record<string, string> | undefined;
};
export type NativeTokens = {
    idToken?: string | undefined;
    accessToken?: string | undefined;
    /**
     * `value` of `createNonce()`.
     */
    nonce?: string | undefined;
    /**
     * The `user` of the first sign-in with Apple.
     */
    user?: any;
    /**
     * Whether to connect the identity to the signed-in user.
     */
    connect?: boolean | undefined;
};
/**
 * The login has succeeded before, for example before a reload.
 */
export type AlreadyCompleted = {
    alreadyCompleted: true;
    next: any;
};
/**
 * The body of the response,
 *     and the value that `signIn()` got.
 */
export type Completed<Body> = (Body | Connection) & {
    next: any;
};
export type PausedResult = Paused & {
    next: any;
};
export type Client<Body> = ReturnType<typeof createClient<Body>>;
/**
 * A login as the storage contains it. Private.
 */
export type FlowRecord = {
    key: number;
    /**
     * Value in the callback that identifies the login.
     */
    id: string | null;
    /**
     * Whether the login was begun without a state.
     */
    stateless: boolean;
    provider: string;
    connect: boolean;
    flow?: string | undefined;
    /**
     * Absent after a native sign-in.
     */
    redirectUri?: string | undefined;
    next?: any;
    /**
     * Whether it is the copy in the storage of a popup.
     */
    popup?: boolean | undefined;
    paused?: Paused | undefined;
    /**
     * Why the server refused it.
     */
    error?: {
        message: string;
        code: string;
        recovery: string;
    } | undefined;
    done?: boolean | undefined;
};
export type Recovery = "restart_login" | "retry_later" | "reauthenticate" | "reconnect" | "correct_input" | "use_existing_account" | "check_provider_profile" | "contact_administrator" | "none" | (string & {});
