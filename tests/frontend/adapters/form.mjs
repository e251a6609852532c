import "./page.mjs"; // A page in a browser.

import assert from "node:assert/strict";
import { test } from "node:test";

const { draw, valuesOf } = await import("./form.js");
const { valuesOf: valuesOfData } = await import("./react/fields");

// happy-dom does not have it.
globalThis.Option = function (textContent, value) {
  return Object.assign(document.createElement("option"), { textContent, value });
};

const field = (name, type, required, choices = null) => ({
  ...{ name, type, required, choices },
  label: `Label of ${name}`,
  help_text: `Help for ${name}`,
});
const choices = ["free", "team", "company"].map((value) => ({ value, display_name: `A ${value}` }));
const FIELDS = [
  field("terms", "boolean", true),
  field("email", "email", true),
  field("nickname", "string", false),
  field("plan", "choice", true, choices),
  field("plans", "multiple choice", false, choices),
  field("tags", "list", false),
];

function drawForm() {
  const form = document.createElement("form");
  draw(form, FIELDS);
  return form;
}

test("fields are drawn with their labels, types and choices", () => {
  const { elements, textContent } = drawForm();
  assert.deepEqual(
    FIELDS.map(({ name }) => [elements[name].type, elements[name].required]),
    [
      ["checkbox", false],
      ["email", true],
      ["text", false],
      ["select-one", true],
      ["select-multiple", false],
      ["textarea", false],
    ],
  );
  for (const text of ["Label of email", "Help for tags", "A team"])
    assert.ok(textContent.includes(text));
});

test("values have the types that the serializer expects", () => {
  const form = drawForm();
  const { terms, email, plan, plans, tags } = form.elements;
  terms.checked = true;
  email.value = "ada@example.com";
  plan.value = "team";
  for (const option of [...plans.options].slice(0, 2)) option.selected = true;
  tags.value = "one\ntwo\n";
  assert.deepEqual(valuesOf(form, FIELDS), {
    terms: true,
    email: "ada@example.com",
    plan: "team",
    plans: ["free", "team"],
    tags: ["one", "two"],
  });
});

test("empty form contains the required fields, the boxes and the lists", () => {
  const form = drawForm();
  const values = { terms: false, email: "", plan: "free", plans: [], tags: [] };
  assert.deepEqual(valuesOf(form, FIELDS), values);
  // What a browser reads from the form. happy-dom adds a choice.
  const data = new FormData();
  for (const name of ["email", "nickname", "tags"]) data.set(name, "");
  data.set("plan", "free");
  assert.deepEqual(valuesOfData(data, FIELDS), values);
});
