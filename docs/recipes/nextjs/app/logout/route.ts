import type { NextRequest } from "next/server";

import { openLogin, SESSION } from "@/lib/login";

/** Sign out. A form posts to this route. */
export async function POST(request: NextRequest) {
  const { social, redirect } = openLogin(request.cookies, request.headers);
  await social.logout().catch(() => {}); // The login may have ended before.
  const response = redirect("/");
  // cookies.delete() omits Secure. Then browsers ignore it, because of the prefix of the name.
  response.cookies.set(SESSION, "", { secure: true, path: "/", maxAge: 0 });
  return response;
}
