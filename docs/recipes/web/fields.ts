import type { Field } from "django-social-endpoints";

/** Return what the user has entered in the form of a paused login. */
export function valuesOf(data: FormData, fields: Field[]) {
  const values: Record<string, unknown> = {};
  for (const { name, type, required } of fields) {
    if (type === "boolean") values[name] = data.has(name);
    else if (type === "multiple choice") values[name] = data.getAll(name);
    else if (type === "list") values[name] = String(data.get(name)).split(",").filter(Boolean);
    else if (data.get(name) || required) values[name] = data.get(name);
  }
  return values;
}

/** Return the type of the input for a field that is neither a box nor a list of choices. */
export function inputType({ type }: Field) {
  if (type === "datetime") return "datetime-local";
  return ["date", "email", "time", "url"].includes(type) ? type : "text";
}
