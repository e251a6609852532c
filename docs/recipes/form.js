// Draws the fields of a paused login in a <form>.
export function draw(form, fields) {
  form.replaceChildren(...fields.map(row));
}

// Returns what the user has entered, for resume().
export function valuesOf(form, fields) {
  const values = {};
  for (const { name, type, required } of fields) {
    const control = form.elements.namedItem(name);
    if (type === "boolean") values[name] = control.checked;
    else if (type === "multiple choice")
      values[name] = [...control.selectedOptions].map((option) => option.value);
    else if (type === "list") values[name] = control.value.split("\n").filter(Boolean);
    else if (control.value !== "" || required) values[name] = control.value;
  }
  return values;
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
  // Before the options, because a list with one choice selects the first of them.
  if (tag === "select") element.multiple = type === "multiple choice";
  for (const { value, display_name } of choices ?? [])
    element.append(new Option(display_name, value));
  if (tag === "input") element.type = INPUTS[type] ?? "text";
  // An unchecked box is a value as well. The server decides whether it accepts it.
  return Object.assign(element, { name, required: required && type !== "boolean" });
}
