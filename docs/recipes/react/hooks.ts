import type { Field, Provider, SocialError } from "django-social-endpoints";
import { useEffect, useState, useSyncExternalStore } from "react";

import { complete, getToken, resume, social, subscribe } from "./session";

/** The token of the signed-in user, or null. */
export const useToken = () => useSyncExternalStore(subscribe, getToken, () => null);

type Providers =
  | { status: "loading" }
  | { status: "ready"; providers: Provider[] }
  | { status: "failed"; error: SocialError };

const loadProviders = (): Promise<Providers> =>
  social.providers().then(
    (providers) => ({ status: "ready", providers }),
    (error: SocialError) => ({ status: "failed", error }),
  );

/** The providers of the sign-in page. */
export function useProviders() {
  const [state, setState] = useState<Providers>({ status: "loading" });
  useEffect(() => {
    void loadProviders().then(setState);
  }, []);
  return { ...state, retry: () => void loadProviders().then(setState) };
}

type Paused = { status: "paused"; partialToken: string; fields: Field[]; error?: SocialError };
type Completion =
  | { status: "loading" }
  | Paused
  | { status: "done"; next: string }
  | { status: "failed"; error: SocialError };

/** Wait for a completion. Returns what the page shows then. */
async function settle(request: ReturnType<typeof complete>, form?: Paused): Promise<Completion> {
  try {
    const result = await request;
    if (!("partial_token" in result)) return { status: "done", next: result.next ?? "/" };
    const { partial_token: partialToken, fields, redirect_to: url } = result;
    if (partialToken && fields) return { status: "paused", partialToken, fields };
    location.assign(url ?? "/");
    return { status: "loading" };
  } catch (reason) {
    const error = reason as SocialError;
    // With field errors, the login is still paused, and the form is shown again.
    const isPaused = form && Object.keys(error.fields).length > 0;
    return isPaused ? { ...form, error } : { status: "failed", error };
  }
}

/** Finish the login whose callback is the URL of this page. */
export function useCompletion() {
  const [state, setState] = useState<Completion>({ status: "loading" });

  // StrictMode runs the effect twice. complete() sends one request and returns its result twice.
  // If the page is gone when the response arrives, React ignores the state.
  useEffect(() => {
    void settle(complete()).then(setState);
  }, []);

  return {
    state,
    retry: () => {
      setState({ status: "loading" });
      void settle(complete()).then(setState);
    },
    resume: (form: Paused, values: Record<string, unknown>) =>
      void settle(resume(form.partialToken, values), form).then(setState),
  };
}
