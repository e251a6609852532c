import { createClient } from "./client.js";

// The URL at which the API includes the endpoints.
const API = "http://localhost:8000/auth/";

// The page callback.html beside this file. It is in ALLOWED_REDIRECT_URIS.
export const redirectUri = new URL("callback.html", import.meta.url).href;

export const client = createClient({ baseUrl: API, headers: authorization });

/** The header of all requests to the API. */
export function authorization() {
  const token = sessionStorage.getItem("token");
  return token ? { Authorization: `Token ${token}` } : undefined;
}

export const storeToken = (token) => sessionStorage.setItem("token", token);
export const forgetToken = () => sessionStorage.removeItem("token");

/** End the login. */
export async function signOut() {
  try {
    await client.logout();
  } catch (error) {
    // 401: the login has ended before. 404: the server cannot end it.
    if (![401, 404].includes(error.status)) throw error;
  }
  forgetToken();
}

/** Show an error, with what the user can do about it. */
export function showError(element, error, retry) {
  element.textContent = `${error.message} `;
  switch (error.recovery) {
    case "retry_later":
      return element.append(createButton("Try again", retry));
    case "restart_login":
    case "reauthenticate":
      return element.append(createLink("Sign in again"));
    case "correct_input":
      return; // The user corrects the form.
    default:
      return element.append(createLink("Back to sign-in"));
  }
}

export function createButton(text, action) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(text);
  button.addEventListener("click", action);
  return button;
}

function createLink(text) {
  const link = document.createElement("a");
  link.href = new URL("index.html", import.meta.url).href;
  link.append(text);
  return link;
}
