import type { NextRequest } from "next/server";

import { valuesOf } from "@/lib/fields";
import { openLogin, REDIRECT_URI } from "@/lib/login";

/** Continue a paused login. The form at /login/continue posts to this route. */
export async function POST(request: NextRequest) {
  const { social, follow, fail } = openLogin(request.cookies, request.headers);
  try {
    const paused = await social.complete(REDIRECT_URI); // Without a callback, it sends no request.
    if (!("partial_token" in paused)) return follow(Promise.resolve(paused));
    const values = valuesOf(await request.formData(), paused.fields ?? []);
    return follow(social.resume(paused.partial_token, values));
  } catch (reason) {
    return fail(reason);
  }
}
