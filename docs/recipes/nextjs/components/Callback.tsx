"use client";

import Link from "next/link";
import { useRouter } from "next/navigation";
import { type FormEvent, useEffect } from "react";

import { valuesOf } from "@/lib/fields";
import { useCompletion } from "@/lib/hooks";
import { PausedFields } from "@/lib/PausedFields";

/** The page at /login/callback, if the browser completes the login. */
export function Callback() {
  const { state, retry, resume } = useCompletion();
  const router = useRouter();

  useEffect(() => {
    if (state.status === "done") router.replace(state.next);
  }, [state, router]);

  if (state.status === "loading" || state.status === "done")
    return <p role="status">Signing in…</p>;
  if (state.status === "failed")
    return (
      <div role="alert">
        <p>{state.error.message}</p>
        {state.error.recovery === "retry_later" ? (
          <button onClick={retry}>Try again</button>
        ) : (
          <Link href="/login">Back to sign-in</Link>
        )}
      </div>
    );

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void resume(state, valuesOf(new FormData(event.currentTarget), state.fields));
  };
  return (
    <form onSubmit={submit}>
      <PausedFields fields={state.fields} errors={state.error?.fields} />
      <button>Continue</button>
    </form>
  );
}
