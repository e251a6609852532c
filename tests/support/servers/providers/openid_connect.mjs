// An OpenID Connect provider made with npm's oidc-provider, a different one from the example's.
// Arguments: the path of that package, and the configuration as JSON.

const [packagePath, json] = process.argv.slice(2);
const { issuer, port, clients, email } = JSON.parse(json);
const { default: Provider } = await import(packagePath);

// Ends with its parent process.
process.stdin.resume().on("end", () => process.exit());

const provider = new Provider(issuer, {
  clients,
  features: { introspection: { enabled: true } },
  cookies: { keys: ["of a provider that lives for one test run"] },
  pkce: { required: () => true },
  claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: "Ada Lovelace", preferred_username: id, email }),
  }),
  // Asks for the user name but not for consent. A browser with a session is redirected at once.
  loadExistingGrant: async ({ oidc }) => {
    const { clientId } = oidc.client;
    const grantId = oidc.session.grantIdFor(clientId);
    if (grantId) return oidc.provider.Grant.find(grantId);
    const grant = new oidc.provider.Grant({ clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});
provider.on("server_error", (_, error) => console.error(error));
provider.listen(port, "127.0.0.1");
