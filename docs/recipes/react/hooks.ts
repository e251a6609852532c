import type { Field, Provider, SocialError } from "django-social-endpoints";
import { useEffect, useState, useSyncExternalStore } from "react";

import { complete, getToken, resume, social, subscribe } from "./session";

/** The token of the signed-in user, or null. */
export const useToken = () => useSyncExternalStore(subscribe, getToken, () => null);

type Providers =
  | { status: "loading" }
  | { status: "ready"; providers: Provider[] }
  | { status: "failed"; error: SocialError };

/** The providers of the sign-in page. */
export function useProviders() {
  const [state, setState] = useState<Providers>({ status: "loading" });
  const load = () => {
    social.providers().then(
      (providers) => setState({ status: "ready", providers }),
      (error) => setState({ status: "failed", error }),
    );
  };
  useEffect(load, []);
  return { ...state, retry: load };
}

type Paused = { status: "paused"; partialToken: string; fields: Field[]; error?: SocialError };
type Completion =
  | { status: "loading" }
  | Paused
  | { status: "done"; next: string }
  | { status: "failed"; error: SocialError };

/** Finish the login whose callback is the URL of this page. */
export function useCompletion() {
  const [state, setState] = useState<Completion>({ status: "loading" });

  // React ignores the state of a component that is gone, so a late response does no harm.
  const follow = async (request: ReturnType<typeof complete>, form?: Paused) => {
    try {
      const result = await request;
      if (!("partial_token" in result)) setState({ status: "done", next: result.next ?? "/" });
      else if (result.partial_token && result.fields) {
        const { partial_token: partialToken, fields } = result;
        setState({ status: "paused", partialToken, fields });
      } else location.assign(result.redirect_to ?? "/");
    } catch (reason) {
      const error = reason as SocialError;
      // With field errors, the login is still paused, and the form is shown again.
      const refused = form && Object.keys(error.fields).length > 0;
      setState(refused ? { ...form, error } : { status: "failed", error });
    }
  };

  // StrictMode runs the effect twice. complete() sends one request and returns it twice.
  useEffect(() => void follow(complete()), []);

  return {
    state,
    retry: () => {
      setState({ status: "loading" });
      void follow(complete());
    },
    answer: (form: Paused, answers: Record<string, unknown>) =>
      follow(resume(form.partialToken, answers), form),
  };
}
