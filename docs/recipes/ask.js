import { draw, valuesOf } from "./form.js";

/** Send a request of the login, and show what follows: a page, a form or an error. */
export async function follow(client, send, isForm = false) {
  const form = document.getElementById("ask");
  const error = document.getElementById("error");
  error.textContent = "";
  try {
    const result = await send();
    if ("token" in result) sessionStorage.setItem("token", result.token);
    if (!("partial_token" in result)) return location.replace(result.next ?? "/");
    if (!result.fields) return location.replace(result.redirect_to ?? "/");
    const { partial_token, fields } = result;
    draw(document.getElementById("fields"), fields);
    form.hidden = false;
    form.onsubmit = (event) => {
      event.preventDefault();
      follow(client, () => client.resume(partial_token, valuesOf(form, fields)), true);
    };
  } catch (reason) {
    const messages = Object.values(reason.fields).flat();
    // With field errors, the login is still paused, and the form stays.
    form.hidden = !isForm || messages.length === 0;
    error.textContent = messages.join(" ") || reason.message;
  }
}
