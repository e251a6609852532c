import { createClient } from "django-social-endpoints";
import * as SecureStore from "expo-secure-store";

export const social = createClient({
  baseUrl: "https://api.example.com/auth/",
  headers: authorization,
  // Android may end the app while the browser is open. Then the login continues in a new process.
  storage: {
    getItem: () => SecureStore.getItem("login"),
    // The newest login is enough, and iOS may refuse values above 2048 bytes.
    setItem: (key, value) =>
      SecureStore.setItem("login", JSON.stringify(JSON.parse(value).slice(-1))),
  },
});

/** The header of all requests to the API. */
export async function authorization(): Promise<Record<string, string>> {
  const token = await SecureStore.getItemAsync("token");
  return token ? { Authorization: `Token ${token}` } : {};
}

/** Store the token of a login. If the login has paused, show its fields and call `resume()`. */
export async function remember<Result extends object>(login: Promise<Result>) {
  const result = await login;
  if ("token" in result) await SecureStore.setItemAsync("token", String(result.token));
  return result;
}

/** Continue a paused login. */
export const resume = (partialToken: string, values: Record<string, unknown>) =>
  remember(social.resume(partialToken, values));

export async function signOut() {
  await social.logout().catch(() => {}); // Without a network, the device still forgets the token.
  await SecureStore.deleteItemAsync("token");
}
