// An OpenID Connect provider made with npm's oidc-provider, a different one from the example's.
// Arguments: the directory of its packages, and the configuration as JSON.

const [directory, json] = process.argv.slice(2);
const { issuer, port, clients, email } = JSON.parse(json);
const { default: Provider } = await import(`${directory}/node_modules/oidc-provider/lib/index.js`);

// Ends with its parent process.
process.stdin.resume().on("end", () => process.exit());

const provider = new Provider(issuer, {
  clients,
  features: {
    introspection: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true, logoutSource: showLogoutPage },
    backchannelLogout: { enabled: true },
  },
  scopes: ["openid", "offline_access", "files:read", "files:write"],
  cookies: { keys: ["of a provider that lives for one test run"] },
  pkce: { required: () => true },
  claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: "Ada Lovelace", preferred_username: id, email }),
  }),
  loadExistingGrant,
  // The second use of a refresh token revokes the grant, and with it all tokens of the user.
  rotateRefreshToken: true,
  ttl: {
    // Expires soon where it can be refreshed.
    AccessToken: (_, { gty, scope = "" }) =>
      gty === "authorization_code" && scope.includes("offline_access") ? 30 : 3600,
  },
  // Without the protection of the package, which forbids calls to this machine.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
});
provider.on("server_error", (_, error) => console.error(error));
provider.on("backchannel.error", (_, error) => console.error(error));
provider.listen(port, "127.0.0.1");

// Asks for consent only to what is beyond the login. A browser with a session is redirected at
// once. Users whose name begins with "frugal" refuse a scope.
async function loadExistingGrant({ oidc }) {
  const { clientId } = oidc.client;
  const { accountId } = oidc.session;
  const grantId = oidc.result?.consent?.grantId ?? oidc.session.grantIdFor(clientId);
  if (grantId) return oidc.provider.Grant.find(grantId);
  const grant = new oidc.provider.Grant({ clientId, accountId });
  grant.addOIDCScope("openid profile email");
  if (accountId.startsWith("frugal")) grant.rejectOIDCScope("files:write");
  await grant.save();
  return grant;
}

function showLogoutPage(ctx, form) {
  const button = '<button name="logout" value="yes">Sign out</button></form>';
  ctx.body = `<!doctype html><title>Sign out?</title>${form.replace("</form>", button)}`;
}
