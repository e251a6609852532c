// What this tab remembers: the token of the API, and what the user was doing.
//
// Every script on a page can read its sessionStorage. If your page runs scripts of other sites,
// choose a token serializer that puts the token into an HttpOnly cookie.

const value = (key) => ({
  get: () => JSON.parse(sessionStorage.getItem(key)),
  set: (value) => sessionStorage.setItem(key, JSON.stringify(value)),
  clear: () => sessionStorage.removeItem(key),
});

/** The token of the signed-in user. */
export const token = value("token");
/** The name of the provider of the current login. */
export const provider = value("provider");
/** The provider that the user chose last, and whether to connect it. "Try again" uses it. */
export const attempt = value("attempt");
/** A logout at a provider: its title, and the state that comes back from there. */
export const logout = value("logout");
