/** The module outside of a browser. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

// Reading one of these names is an error, as if a server did not have it.
const PROGRAM = `
for (const name of ["window", "document", "location", "history", "navigator", "self",
                    "localStorage", "sessionStorage", "BroadcastChannel", "opener"]) {
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get() { throw new Error("The module has read " + name + "."); },
  });
}
const { createClient, createNonce, SocialError } = await import(process.argv[1]);
const client = createClient({ baseUrl: "/auth/" });
console.log(Object.keys(client).join(), typeof createNonce, typeof SocialError);
`;

test("an import and a new client read no global of a browser", () => {
  const url = new URL("../client.js", import.meta.url).href;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", PROGRAM, url]);
  assert.equal(
    output.toString().trim(),
    "createNonce,providers,signIn,connect,popup,complete,resume,signInWithToken,connections," +
      "disconnect,currentUser,refresh,logout function function",
  );
});
