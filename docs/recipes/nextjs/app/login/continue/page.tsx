import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { Suspense } from "react";

import { PausedFields } from "@/lib/PausedFields";
import { ERROR, openLogin, REDIRECT_URI } from "@/lib/login";

/** The page of a paused login. */
export default function Continue() {
  return (
    <Suspense fallback={<p role="status">Loading…</p>}>
      <PausedForm />
    </Suspense>
  );
}

async function PausedForm() {
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
