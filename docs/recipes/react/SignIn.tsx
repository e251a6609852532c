import type { SocialError } from "django-social-endpoints";
import { useState } from "react";
import { useSearchParams } from "react-router";

import { useProviders, useToken } from "./hooks";
import { signIn, signOut } from "./session";

/** The page at /login?next=…: a button for each provider, or the button that signs out. */
export function SignIn() {
  const [query] = useSearchParams();
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
      <button
        key={provider.name}
        onClick={() => void signIn(provider, query.get("next")).catch(setError)}
      >
        {provider.icon && <img src={provider.icon} alt="" />} {provider.title}
      </button>
    ));
  return (
    <>
      {buttons} {alert}
    </>
  );
}
