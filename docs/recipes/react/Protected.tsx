import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router";

import { useToken } from "./hooks";

/** Show the children to a signed-in user, and the sign-in page to others. */
export function Protected({ children }: { children: ReactNode }) {
  const { pathname, search } = useLocation();
  const next = new URLSearchParams({ next: pathname + search });
  return useToken() ? children : <Navigate to={`/login?${next}`} replace />;
}
