// Every public member in the type declarations of Node's packages has a row in docs/node-to-sockeye.md.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const fromSocketIO = createRequire(require.resolve("socket.io"));
// The classes people meet; what is left out are other servers' bindings and emitters of events.
const packages = {
  "socket.io": { require, files: /^(index|namespace|parent-namespace|socket|socket-types|broadcast-operator|client)\.d\.ts$/ },
  "engine.io": { require: fromSocketIO, files: /^(server|socket|transport|engine\.io)\.d\.ts$/ },
  "socket.io-adapter": { require: fromSocketIO, files: /^(in-memory-adapter|cluster-adapter)\.d\.ts$/ },
};

/** Lists "Class.member" for the public members of the classes and interfaces that a declaration file has. */
function members(text) {
  const plain = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
  const found = [];
  let depth = 0, parens = 0, owner = null, statement = "";
  const take = () => {
    const line = statement.trim();
    statement = "";
    const m = /^((?:(?:private|protected|public|static|readonly|abstract|get|set|declare)\s+)*)(#?[A-Za-z_$][\w$]*)\s*[?!]?\s*[(:;<=]?/.exec(line);
    if (!m || /private|protected/.test(m[1]) || /^[_#]/.test(m[2]) || m[2] === "constructor") return;
    found.push(`${owner}.${m[2]}`);
  };
  for (const c of plain) {
    if (c === "(") parens++;
    if (c === ")") parens--;
    if (c === "{" && owner === null && depth === 0) {
      owner = /(?:class|interface)\s+([A-Za-z_$][\w$]*)/.exec(statement)?.[1] ?? null;
      statement = "";
      depth++;
    } else if (c === "{") {
      depth++;
      statement += c;
    } else if (c === "}") {
      depth--;
      if (depth === 0 && owner !== null) {
        take();
        owner = null;
      } else statement += c;
    } else if (c === ";" && parens === 0 && depth === (owner === null ? 0 : 1)) {
      if (owner === null) statement = "";
      else take();
    } else statement += c;
  }
  return found;
}

for (const [name, { require: from, files }] of Object.entries(packages)) {
  test(`every public member of ${name} has a row`, async (t) => {
    const folder = dirname(from.resolve(name));
    assert.match(require(join(folder, "..", "package.json")).version ?? "", /^\d/);
    const table = await readFile(new URL("../../docs/node-to-sockeye.md", import.meta.url), "utf8");
    const names = new Set();
    for (const file of (await readdir(folder)).filter((f) => files.test(f))) {
      for (const m of members(await readFile(join(folder, file), "utf8"))) names.add(m);
    }
    assert.ok(names.size >= 30, `only ${names.size} members found: has the declarations' form changed?`);
    const missing = [...names].filter((m) => !table.includes(`\`${m}\``));
    assert.deepEqual(missing, [], "members without a row in docs/node-to-sockeye.md");
    t.diagnostic(`${names.size} members`);
  });
}
