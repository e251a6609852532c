"use client";

import { useProviders, useToken } from "@/lib/hooks";
import { signIn, signOut } from "@/lib/session";

/** The buttons of the sign-in page, if the browser completes the login. */
export function SignIn({ next = "/" }: { next?: string }) {
  const token = useToken();
  const providers = useProviders();

  if (token) return <button onClick={() => void signOut()}>Sign out</button>;
  if (providers.status === "loading") return <p role="status">Loading…</p>;
  if (providers.status === "failed")
    return (
      <p role="alert">
        {providers.error.message} <button onClick={providers.retry}>Try again</button>
      </p>
    );
  return providers.providers
    .filter(({ capabilities }) => capabilities.includes("redirect"))
    .map((provider) => (
      <button key={provider.name} onClick={() => void signIn(provider, next)}>
        {provider.title}
      </button>
    ));
}
