/** Return a path if it belongs to this app, or "/". */
export function localPath(path) {
  if (typeof path !== "string" || !path.startsWith("/")) return "/";
  const isValid = URL.canParse(path, location.href);
  // "//example.org" and "/\example.org" begin with a slash, and are other hosts.
  return isValid && new URL(path, location.href).origin === location.origin ? path : "/";
}
