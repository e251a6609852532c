const API = "https://api.example.com/auth/";

// Kept in localStorage: a link in an e-mail opens another tab than the one that began.
const place = (partialToken) => `paused:${partialToken}`;

// With the body of each 202.
export function keep(provider, { partial_token, flow, fields }) {
  localStorage.setItem(place(partial_token), JSON.stringify({ provider, flow, fields }));
}

// With what the user has answered, or with the query of a link: { verification_code }.
// Returns the status and the body: 201 and the token, 202 and the next question, or 400
// and what is wrong, under the names of the fields.
export async function resume(partialToken, answers) {
  const paused = JSON.parse(localStorage.getItem(place(partialToken)));
  if (!paused) throw new Error("Open the link in the browser in which you began.");
  const response = await fetch(`${API}o/${paused.provider}/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...answers, partial_token: partialToken, flow: paused.flow }),
  });
  const data = await response.json();
  if (response.ok) localStorage.removeItem(place(partialToken)); // it continues once
  if (response.status === 202 && data.partial_token) keep(paused.provider, data);
  return { status: response.status, data };
}

// Fills a <form> with the fields of a 202.
export function draw(form, fields) {
  form.replaceChildren(...fields.map(row));
}

// What has been filled in, as resume() takes it.
export function answersOf(form, fields) {
  const answers = {};
  for (const { name, type, required } of fields) {
    const control = form.elements.namedItem(name);
    if (type === "boolean") answers[name] = control.checked;
    else if (type === "multiple choice")
      answers[name] = [...control.selectedOptions].map((option) => option.value);
    else if (type === "list") answers[name] = control.value.split("\n").filter(Boolean);
    else if (control.value !== "" || required) answers[name] = control.value;
  }
  return answers;
}

const INPUTS = {
  boolean: "checkbox",
  date: "date",
  datetime: "datetime-local",
  email: "email",
  time: "time",
  url: "url",
};

function row(field) {
  const label = document.createElement("label");
  const help = document.createElement("small");
  help.textContent = field.help_text;
  label.append(field.label, control(field), help);
  return label;
}

function control({ name, type, required, choices }) {
  const tag = choices ? "select" : type === "list" ? "textarea" : "input";
  const element = document.createElement(tag);
  for (const { value, display_name } of choices ?? [])
    element.append(new Option(display_name, value));
  if (tag === "select") element.multiple = type === "multiple choice";
  if (tag === "input") element.type = INPUTS[type] ?? "text";
  // A box that is not ticked is an answer, too; whether it will do, the server says.
  return Object.assign(element, { name, required: required && type !== "boolean" });
}
