import type { FormEvent } from "react";
import { Link, Navigate } from "react-router";

import { valuesOf } from "./fields";
import { PausedFields } from "./PausedFields";
import { useCompletion } from "./hooks";

/** The page at /login/callback. */
export function Callback() {
  const { state, retry, resume } = useCompletion();

  if (state.status === "loading") return <p role="status">Signing in…</p>;
  if (state.status === "done") return <Navigate to={state.next} replace />;
  if (state.status === "failed")
    return (
      <div role="alert">
        <p>{state.error.message}</p>
        {state.error.recovery === "retry_later" ? (
          <button onClick={retry}>Try again</button>
        ) : (
          <Link to="/login">Back to sign-in</Link>
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
