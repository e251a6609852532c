import type { Field, Provider, SocialError } from "django-social-endpoints";
import { onScopeDispose, readonly, ref, shallowRef } from "vue";

import { complete, getToken, resume, social, subscribe } from "./session";

/** The token of the signed-in user, or null. */
export function useToken() {
  const token = ref(getToken());
  onScopeDispose(subscribe(() => (token.value = getToken())));
  return readonly(token);
}

/** The providers of the sign-in page. */
export function useProviders() {
  const providers = shallowRef<Provider[]>();
  const error = shallowRef<SocialError>();
  const load = async () => {
    error.value = undefined;
    try {
      providers.value = await social.providers();
    } catch (reason) {
      error.value = reason as SocialError;
    }
  };
  void load();
  return { providers, error, retry: load };
}

/**
 * Finish the login whose callback is the URL of this page.
 *
 * @param done Receives the path of the app that the user wanted.
 */
export function useCompletion(done: (next: string) => void) {
  const fields = shallowRef<Field[]>();
  const error = shallowRef<SocialError>();
  const pending = ref(true);
  let partialToken = "";
  let isOnPage = true;
  onScopeDispose(() => (isOnPage = false));

  async function follow(request: ReturnType<typeof complete>) {
    pending.value = true;
    error.value = undefined;
    try {
      const result = await request;
      if (!isOnPage) return;
      if (!("partial_token" in result)) return done(result.next ?? "/");
      if (!result.partial_token || !result.fields)
        return location.assign(result.redirect_to ?? "/");
      partialToken = result.partial_token;
      fields.value = result.fields;
    } catch (reason) {
      error.value = reason as SocialError;
      // With field errors, the login is still paused, and the form stays.
      if (Object.keys(error.value.fields).length === 0) fields.value = undefined;
    }
    pending.value = false;
  }

  void follow(complete());
  return {
    pending,
    error,
    fields,
    retry: () => follow(complete()),
    resume: (values: Record<string, unknown>) => follow(resume(partialToken, values)),
  };
}
