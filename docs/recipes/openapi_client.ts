import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Connection = components["schemas"]["SocialConnection"];

const api = createClient<paths>({ baseUrl: "https://api.example.com" });

/** Return the provider's URL, and the flow to keep until the callback. */
export async function begin(provider: string, redirect_uri: string) {
  const { data, error } = await api.GET("/auth/o/{provider}/", {
    params: { path: { provider }, query: { redirect_uri } },
  });
  if (data) return data;
  if (error.error_code === "redirect_uri_not_allowed") {
    throw new Error(`${redirect_uri}: ${error.redirect_uri?.join(" ")}`);
  }
  throw new Error(`${error.error_code} ${error.error_id}`);
}

/** Return the token, the fields of a paused login, or a text for the user. */
export async function complete(provider: string, callback: Record<string, string>, flow: string) {
  const { data, error } = await api.POST("/auth/o/{provider}/", {
    params: { path: { provider } },
    body: { ...callback, flow },
  });
  if (data) return "token" in data ? { token: data.token } : { fields: data.fields };
  switch (error.error_code) {
    case "authorization_declined":
      return { text: "You can sign in later." };
    case "invalid_parameter":
      return { text: `Missing or not valid: ${Object.keys(error).join(", ")}` };
    default:
      return { text: "detail" in error ? error.detail : error.non_field_errors?.join(" ") };
  }
}

/** Send a token with all later requests. */
export function authorize(token: string): void {
  api.use({
    onRequest({ request }) {
      request.headers.set("Authorization", `Token ${token}`);
    },
  });
}

export async function connections(): Promise<Connection[]> {
  const { data = [] } = await api.GET("/auth/connections/");
  return data;
}

/** Return false if it is the last way to sign in. */
export async function disconnect(id: Connection["id"]): Promise<boolean> {
  const { error } = await api.DELETE("/auth/connections/{id}/", { params: { path: { id } } });
  if (error && error.error_code !== "disconnect_disallowed") throw new Error(error.error_code);
  return !error;
}

export async function signOut(): Promise<void> {
  await api.POST("/auth/logout/");
}
