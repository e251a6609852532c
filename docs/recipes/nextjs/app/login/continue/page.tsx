import { cookies } from "next/headers";
import { redirect } from "next/navigation";

import { PausedFields } from "@/lib/PausedFields";
import { ERROR, openLogin, REDIRECT_URI } from "@/lib/login";

/** The form of a paused login. */
export default async function Continue() {
  const store = await cookies();
  const paused = await openLogin(store)
    .social.complete(REDIRECT_URI)
    .catch(() => null);
  if (!paused || !("partial_token" in paused)) redirect("/login");
  const { fields } = JSON.parse(store.get(ERROR)?.value ?? "{}");
  return (
    <form action="/login/resume" method="post">
      <PausedFields fields={paused.fields ?? []} errors={fields} />
      <button>Continue</button>
    </form>
  );
}
