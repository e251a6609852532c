import type { Field } from "django-social-endpoints";

import { inputType } from "./fields";

type Errors = Partial<Record<string, string[]>>;

/** The fields of a paused login, with the errors of the last attempt. */
export function PausedFields({ fields, errors = {} }: { fields: Field[]; errors?: Errors }) {
  return fields.map((field) => (
    <label key={field.name}>
      {field.label} <Input field={field} />
      {errors[field.name]?.map((text) => (
        <em key={text}>{text}</em>
      ))}
    </label>
  ));
}

function Input({ field }: { field: Field }) {
  const { name, required, choices, type } = field;
  if (type === "boolean") return <input type="checkbox" name={name} />;
  if (!choices) return <input type={inputType(field)} name={name} required={required} />;
  return (
    <select name={name} required={required} multiple={type === "multiple choice"}>
      {choices.map(({ value, display_name }) => (
        <option key={String(value)} value={String(value)}>
          {display_name}
        </option>
      ))}
    </select>
  );
}
