import type { NextRequest } from "next/server";

import { openLogin, REDIRECT_URI } from "@/lib/login";

type Context = { params: Promise<{ provider: string }> };

/** Begin. A form posts to this route, because Next.js prefetches links. */
export async function POST(request: NextRequest, { params }: Context) {
  const { provider } = await params;
  const next = String((await request.formData()).get("next") ?? "/");
  const { social, redirect, fail } = openLogin(request.cookies, request.headers);
  const options = { redirectUri: REDIRECT_URI, next, navigate: (url: string) => url };
  return social.signIn(provider, options).then((url) => redirect(url, true), fail);
}
