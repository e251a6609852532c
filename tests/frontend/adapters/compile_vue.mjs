// Compile single-file components to JavaScript. Arguments: the directories of source and result.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { compileScript, parse } from "vue/compiler-sfc";

const [source, target] = process.argv.slice(2);
for (const name of readdirSync(source).filter((name) => name.endsWith(".vue"))) {
  const { descriptor } = parse(readFileSync(`${source}/${name}`, "utf8"));
  const { content } = compileScript(descriptor, { id: name, inlineTemplate: true });
  writeFileSync(`${target}/${name}.js`, stripTypeScriptTypes(content));
}
