import { cookies, headers } from "next/headers";

import { ERROR, openLogin } from "@/lib/login";

type Props = { searchParams: Promise<{ next?: string }> };

/** The sign-in page. Its buttons are forms, so they work without JavaScript. */
export default async function Login({ searchParams }: Props) {
  const { next = "/" } = await searchParams;
  const store = await cookies();
  const providers = await openLogin(store, await headers()).social.providers();
  const error = store.get(ERROR);
  return (
    <>
      {error && <p role="alert">{JSON.parse(error.value).message}</p>}
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
