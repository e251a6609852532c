// Sign in with the functions of the recipe. The test is the user: it reads the provider's URL, and
// writes what the provider sent back. Each line of the output is a step.

import { createInterface } from "node:readline";
import { authorize, begin, complete, connections, disconnect, signOut } from "./client.ts";

const [, , provider, redirectUri] = process.argv;

function print(name, value) {
  console.log(JSON.stringify([name, value]));
}

await begin(provider, "https://other.example/").catch((error) => print("refused", error.message));
const { authorization_url, flow } = await begin(provider, redirectUri);
print("begun", authorization_url);
for await (const line of createInterface({ input: process.stdin })) {
  const callback = JSON.parse(line);
  const { token } = await complete(provider, callback, flow);
  print("second", await complete(provider, callback, flow));
  authorize(token);
  const [{ id, provider: connected }] = await connections();
  print("connected", connected);
  print("disconnected", await disconnect(id));
  await signOut();
  print("after", await connections());
  break;
}
