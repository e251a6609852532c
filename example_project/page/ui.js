// The card of the page: one heading, one place for messages, one view.

const card = document.getElementById("card");
const heading = document.getElementById("heading");
const note = document.getElementById("note");
const status = document.getElementById("status");
const alert = document.getElementById("error");
const view = document.getElementById("view");

/** Create an element. A property of undefined is left out. */
export function create(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value !== undefined) element[key] = value;
  }
  element.append(...children.filter(Boolean));
  return element;
}

/** Replace the view. With `focus`, a screen reader continues at its heading. */
export function show(name, title, { text, content = [], focus = false } = {}) {
  card.dataset.view = name;
  view.ariaBusy = name === "loading";
  document.title = `${title} · Example site`;
  heading.textContent = title;
  note.className = text ? "message" : "";
  note.replaceChildren(text ? create("div", {}, text) : "");
  view.replaceChildren(...content);
  say("");
  if (focus) heading.focus();
}

/** Show the shape of what is being loaded. */
export function showLoading(title, ...heights) {
  const content = heights.map((height) => create("div", { className: `skeleton ${height}` }));
  show("loading", title, { content });
}

/** Show a short message, which a screen reader reads when it has finished its sentence. */
export function say(text, className = "") {
  // The button in the error has the focus, and will be removed.
  if (alert.contains(document.activeElement)) heading.focus();
  alert.className = "";
  alert.replaceChildren();
  status.className = text && `message ${className}`;
  status.textContent = text;
}

/** Show an error, with the button or link that helps. The focus moves to it. */
export function showError(error, { hint, help } = {}) {
  say("");
  const text = create("p", {}, create("strong", {}, error.message), hint && ` ${hint}`);
  if (error.id) {
    text.append(" ", create("span", { className: "reference" }, `Reference ${error.id}`));
  }
  alert.className = "message error";
  alert.replaceChildren(create("div", {}, text, help));
  alert.focus();
}

/**
 * Create a button that shows its progress and ignores clicks meanwhile.
 *
 * The name for screen readers contains the object, because "Disconnect" alone is ambiguous.
 * `description` is the ID of an element with more text.
 */
export function button(text, action, look = {}) {
  const { object, description, icon, hint, className = "", type = "button" } = look;
  const ariaLabel = object && `${text} ${object}`;
  const label = create("span", {}, text, hint && create("small", {}, ` ${hint}`));
  const element = create("button", { type, className, ariaLabel }, icon, label);
  if (description) element.setAttribute("aria-describedby", description);
  if (action) element.addEventListener("click", () => run(element, action));
  return element;
}

/** Run an action of a button. The view is busy until it ends. */
export async function run(button, action) {
  if (view.ariaBusy === "true") return;
  // Not the whole card: a screen reader does not read the messages of a busy element.
  view.ariaBusy = true;
  // A button that is really disabled would lose the focus.
  for (const each of card.querySelectorAll("button")) each.ariaDisabled = true;
  button.ariaBusy = true;
  try {
    await action();
  } finally {
    view.ariaBusy = false;
    button.ariaBusy = false;
    for (const each of card.querySelectorAll("button")) each.ariaDisabled = false;
  }
}

/** Return the provider's logo, or its first letter. The title stands beside it. */
export function logo({ icon, title }) {
  if (!icon) return create("span", { className: "initial", ariaHidden: true }, title[0]);
  return create("img", { src: icon, alt: "", width: 32, height: 32 });
}
