import type { Field } from "django-social-endpoints";

/** Return what the user has entered in the form of a paused login. */
export function answersOf(data: FormData, fields: Field[]) {
  const answers: Record<string, unknown> = {};
  for (const { name, type, required } of fields) {
    if (type === "boolean") answers[name] = data.has(name);
    else if (type === "multiple choice") answers[name] = data.getAll(name);
    else if (type === "list") answers[name] = String(data.get(name)).split(",");
    else if (data.get(name) || required) answers[name] = data.get(name);
  }
  return answers;
}

/** Return the type of the input for a field that is neither a box nor a list of choices. */
export function inputType({ type }: Field) {
  if (type === "datetime") return "datetime-local";
  return ["date", "email", "time", "url"].includes(type) ? type : "text";
}
