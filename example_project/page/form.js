// The form of a paused login, drawn from the `fields` of the response.

import { button, create, run } from "./ui.js";

const INPUT_TYPES = {
  email: "email",
  url: "url",
  integer: "number",
  float: "number",
  decimal: "number",
  date: "date",
  time: "time",
  datetime: "datetime-local",
};

/** Return a form that passes the values to `submit`, which may throw an error with `fields`. */
export function drawForm(fields, submit, cancel) {
  const rows = fields.map((field) => drawField(field));
  const send = button("Continue", null, { type: "submit", className: "primary" });
  const buttons = create("div", { className: "buttons" }, send, button("Cancel", cancel));
  // The API checks the values, so that all errors look the same.
  const form = create("form", { noValidate: true, className: "form" });
  form.append(...rows.map(({ element }) => element), buttons);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = rows.map(({ name, read }) => [name, read()]);
    const entered = values.filter(([, value]) => value !== undefined);
    run(send, () => submit(Object.fromEntries(entered)));
  });
  return form;
}

/** Show the errors of the fields. Returns whether the form has a field with an error. */
export function showFieldErrors(form, errors) {
  for (const control of form.querySelectorAll("[data-field]")) {
    const messages = errors[control.dataset.field];
    control.ariaInvalid = Boolean(messages);
    document.getElementById(`${control.dataset.field}-problem`).textContent =
      messages?.flat().join(" ") ?? "";
  }
  const first = form.querySelector("[aria-invalid='true']");
  first?.focus();
  return first !== null;
}

function drawField(field) {
  const { name, type, choices } = field;
  if (type === "boolean") return drawCheckbox(field);
  if (type === "multiple choice") return drawCheckboxes(field);
  const control = choices ? drawSelect(field) : drawInput(field);
  describe(control, field);
  control.id = `field-${name}`;
  const optional = !field.required && create("span", { className: "optional" }, " (optional)");
  const label = create("label", { htmlFor: control.id }, field.label || name, optional);
  // An empty optional field is not sent, so the serializer uses its default.
  const read = () => (control.value === "" && !field.required ? undefined : control.value);
  return { name, read, element: wrap(field, label, help(field), control) };
}

function drawInput({ type, max_length, min_length, max_value, min_value }) {
  const control = create("input", { type: INPUT_TYPES[type] ?? "text" });
  if (max_length) control.maxLength = max_length;
  if (min_length) control.minLength = min_length;
  if (type === "float" || type === "decimal") control.step = "any";
  control.max = max_value ?? "";
  control.min = min_value ?? "";
  return control;
}

function drawSelect({ choices }) {
  const options = choices.map(({ value, display_name }) => new Option(display_name, value));
  return create("select", {}, new Option("Choose …", ""), ...options);
}

function drawCheckbox(field) {
  const control = describe(create("input", { type: "checkbox" }), field);
  const text = create("span", {}, field.label || field.name);
  const label = create("label", { className: "check" }, control, text);
  return { name: field.name, read: () => control.checked, element: wrap(field, label, help(field)) };
}

function drawCheckboxes(field) {
  const controls = field.choices.map(({ value }) => create("input", { type: "checkbox", value }));
  const labels = controls.map((control, index) =>
    create("label", { className: "check" }, control, field.choices[index].display_name),
  );
  const legend = create("legend", {}, field.label || field.name);
  const group = create("fieldset", { tabIndex: -1 }, legend, help(field), ...labels);
  const read = () => controls.filter(({ checked }) => checked).map(({ value }) => value);
  return { name: field.name, read, element: wrap(field, describe(group, field)) };
}

/** Connect a control with its help text and its error. */
function describe(control, { name, required, help_text }) {
  control.dataset.field = name;
  control.required = required;
  const ids = [help_text && `${name}-help`, `${name}-problem`].filter(Boolean);
  control.setAttribute("aria-describedby", ids.join(" "));
  return control;
}

const help = ({ name, help_text }) =>
  help_text && create("span", { id: `${name}-help`, className: "help" }, help_text);

const wrap = ({ name }, ...children) =>
  create("div", { className: "field" }, ...children,
    create("span", { id: `${name}-problem`, className: "problem" }));
