import type { Provider, SocialError } from "django-social-endpoints";
import { cookies, headers } from "next/headers";
import { Suspense } from "react";

import { ERROR, openLogin } from "@/lib/login";

type Props = { searchParams: Promise<{ next?: string }> };

/** The sign-in page. With cacheComponents, Next.js requires Suspense around the request's data. */
export default function Login(props: Props) {
  return (
    <Suspense fallback={<p role="status">Loading…</p>}>
      <Buttons {...props} />
    </Suspense>
  );
}

/** A form for each provider. It posts to the route that begins. */
async function Buttons({ searchParams }: Props) {
  const { next = "/" } = await searchParams;
  const store = await cookies();
  let { message } = JSON.parse(store.get(ERROR)?.value ?? "{}");
  let providers: Provider[] = [];
  try {
    providers = await openLogin(store, await headers()).social.providers();
  } catch (error) {
    message = (error as SocialError).message;
  }
  return (
    <>
      {message && <p role="alert">{message}</p>}
      {providers
        .filter(({ capabilities }) => capabilities.includes("redirect"))
        .map(({ name, title }) => (
          <form key={name} action={`/login/${name}`} method="post">
            <input type="hidden" name="next" value={next} />
            <button>{title}</button>
          </form>
        ))}
    </>
  );
}
