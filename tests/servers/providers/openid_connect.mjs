// An OpenID Connect provider of another make than the example's: npm's oidc-provider.
// Started with the path of that package and the configuration of everything else.

const [packagePath, json] = process.argv.slice(2);
const { issuer, port, clients, email } = JSON.parse(json);
const { default: Provider } = await import(packagePath);

// Ends with the process that started it.
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
  // Asks who the user is, and not for consent: a browser that has been here goes straight on.
  loadExistingGrant: async ({ oidc }) => {
    const { clientId } = oidc.client;
    const given = oidc.session.grantIdFor(clientId);
    if (given) return oidc.provider.Grant.find(given);
    const grant = new oidc.provider.Grant({ clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});
provider.on("server_error", (_, error) => console.error(error));
provider.listen(port, "127.0.0.1");
