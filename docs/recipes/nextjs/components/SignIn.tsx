"use client";

import type { SocialError } from "django-social-endpoints";
import { useState } from "react";

import { useProviders, useToken } from "@/lib/hooks";
import { signIn, signOut } from "@/lib/session";

/** The buttons of the sign-in page, if the browser completes the login. */
export function SignIn({ next = "/" }: { next?: string }) {
  const token = useToken();
  const providers = useProviders();
  const [error, setError] = useState<SocialError>();

  const alert = error && <p role="alert">{error.message}</p>;
  if (token)
    return (
      <>
        <button onClick={() => void signOut().catch(setError)}>Sign out</button> {alert}
      </>
    );
  if (providers.status === "loading") return <p role="status">Loading…</p>;
  if (providers.status === "failed")
    return (
      <p role="alert">
        {providers.error.message} <button onClick={providers.retry}>Try again</button>
      </p>
    );
  const buttons = providers.providers
    .filter(({ capabilities }) => capabilities.includes("redirect"))
    .map((provider) => (
      <button key={provider.name} onClick={() => void signIn(provider, next).catch(setError)}>
        {provider.title}
      </button>
    ));
  return (
    <>
      {buttons} {alert}
    </>
  );
}
