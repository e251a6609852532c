// Each method with the types of a program in TypeScript, and what the types must refuse.

import {
    createClient,
    createNonce,
    SocialError,
    type AlreadyCompleted,
    type Client,
    type Connection,
    type Field,
    type Paused,
    type Provider,
} from "django-social-endpoints";

const client = createClient({ baseUrl: "/auth/" });
const redirectUri = new URL("https://app.example.com/login/callback");

export async function everyMethod(): Promise<void> {
    const providers: Provider[] = await client.providers();
    const icons: (string | null)[] = providers.map(({ icon }) => icon);
    const canConnect: boolean = providers[0].capabilities.includes("connect");

    const nothing: void = await client.signIn("github", { redirectUri });
    const options = { redirectUri, next: { tab: 1 }, params: { scope: "repo" } };
    await client.connect("github", options);
    const result: { type: "success" } = await client.signIn("github", {
        redirectUri: "com.example.app:/callback",
        navigate: async (url: string) => ({ type: "success" as const, url }),
    });

    const completed = await client.complete();
    await client.complete("https://app.example.com/login/callback?code=C");
    await client.complete(redirectUri);
    await client.complete(location);
    if ("alreadyCompleted" in completed) {
        const already: AlreadyCompleted = completed;
        location.assign(already.next);
    } else if ("partial_token" in completed) {
        const { partial_token, fields }: { partial_token: string | null; fields: Field[] | null } =
            completed;
        const resumed = await client.resume(partial_token, { email: "ada@example.com" });
        if ("token" in resumed) showToken(resumed.token, resumed.next);
        console.log(fields?.map(({ label, choices }) => [label, choices?.[0].display_name]));
    } else if ("token" in completed) {
        showToken(completed.token, completed.next);
    } else {
        const connection: Connection = completed;
        console.log(connection.title, connection.scopes.join());
    }

    const popup = await client.popup("github", { redirectUri, connect: true });
    if ("uid" in popup) console.log(popup.uid);

    const { value, sha256 }: { value: string; sha256: string } = await createNonce();
    const native = await client.signInWithToken("apple-id", { idToken: sha256, nonce: value });
    if ("token" in native) showToken(native.token);

    const connections: Connection[] = await client.connections();
    const paused: Paused | undefined = await client.disconnect(connections[0].id);

    await client.logout();
    await client.logout(null, { refresh: "R" });
    await client.logout("oidc", { postLogoutRedirectUri: "https://app.example.com/bye" });
    console.log(icons, canConnect, nothing, result.type, paused?.redirect_to);
}

export function everyOption(): void {
    const headers = { Authorization: "Token T" };
    createClient({ baseUrl: redirectUri, credentials: "include", headers });
    createClient({ baseUrl: "/auth", headers: new Headers(headers), storage: localStorage });
    createClient({ baseUrl: "/auth", headers: () => undefined });
    createClient({ baseUrl: "/auth", headers: async () => headers });
}

// The body of a project's own token serializer.
type Tokens = { access: string; refresh: string };
export async function signInWithTokens(jwt: Client<Tokens>): Promise<string | undefined> {
    const completed = await jwt.complete();
    return "access" in completed ? completed.access : undefined;
}
export const jwtClient: Client<Tokens> = createClient<Tokens>({ baseUrl: "/auth/" });

export function advice(error: unknown): string {
    if (!(error instanceof SocialError)) throw error;
    const { message, code, stage, id, status }: SocialError = error;
    const seconds: number | null = error.retryAfter;
    const messages: string[] = error.fields.email;
    switch (error.recovery) {
        case "retry_later":
            return `${message} Try again in ${seconds ?? "some"} seconds.`;
        case "correct_input":
            return messages.join();
        default:
            return [code, stage, id, status].join();
    }
}

function showToken(token: string, next?: unknown): void {
    console.log(token, next);
}

export function misuse(error: SocialError): void {
    // @ts-expect-error: baseUrl is missing.
    createClient({});
    // @ts-expect-error: misspelt.
    createClient({ baseURL: "/auth/" });
    // @ts-expect-error: not a value of fetch.
    createClient({ baseUrl: "/auth/", credentials: true });
    // @ts-expect-error: the redirect URI is missing.
    void client.signIn("github", {});
    // @ts-expect-error: misspelt.
    void client.signIn("github", { redirectURI: "https://app.example.com/" });
    // @ts-expect-error: signIn does not connect; connect() does.
    void client.signIn("github", { redirectUri, connect: true });
    // @ts-expect-error: the type of navigate.
    void client.signIn("github", { redirectUri, navigate: (url: number) => url });
    // @ts-expect-error: a query parameter is a text.
    void client.connect("github", { redirectUri, params: { scope: ["repo"] } });
    // @ts-expect-error: a popup navigates itself.
    void client.popup("github", { redirectUri, navigate: () => undefined });
    // @ts-expect-error: not a URL.
    void client.complete(7);
    // @ts-expect-error: a completed login may be paused, so it may have no token.
    void client.complete().then(({ token }) => token);
    // @ts-expect-error: the names are those of JavaScript.
    void client.signInWithToken("apple-id", { id_token: "a.b.c" });
    // @ts-expect-error: the id is missing.
    void client.disconnect();
    // @ts-expect-error: misspelt.
    void client.logout("oidc", { postLogoutRedirectURI: "https://app.example.com/" });
    // @ts-expect-error: the name is retryAfter.
    void error.retry_after;
    // @ts-expect-error: a client without a token has another method.
    void client.login("github");
}
