import type { NextRequest } from "next/server";

import { openLogin, REDIRECT_URI } from "@/lib/login";

/** Complete. The provider sends the browser to this route. */
export async function GET(request: NextRequest) {
  const { social, follow } = openLogin(request.cookies, request.headers);
  return follow(social.complete(REDIRECT_URI + request.nextUrl.search));
}
