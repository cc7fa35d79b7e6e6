// The written contracts, as those who use them do: TypeScript's compiler with the official client's own types, and AsyncAPI's own parser.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Parser } from "@asyncapi/parser";
import Ajv2020 from "ajv/dist/2020.js";

const path = (name) => fileURLToPath(new URL("../../" + name, import.meta.url));
const tsc = (...args) => promisify(execFile)(path("e2e/node_modules/.bin/tsc"), args).then(() => "", (err) => err.stdout + err.stderr);

describe("TypeScript", () => {
  test("right programs compile, and each wrong line is refused", async () => {
    assert.equal(await tsc("-p", path("e2e/contracts/tsconfig.json")), "");
  });

  // The pages have no build step: the copy names the files where the compiler finds them. Beside each stand copies with one mistake.
  test("the pages keep to their contracts, as JavaScript, and no mistake in them passes", async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "sockeye-"));
    t.after(() => rm(dir, { recursive: true }));
    for (const folder of ["namespaces/api", "public"]) await cp(path(folder), join(dir, folder), { recursive: true });
    const pages = (await readdir(path("public"))).filter((page) => existsSync(path(`public/${page}/${page}.js`)));
    const texts = Object.fromEntries(await Promise.all(pages.map(async (page) => [page, await readFile(path(`public/${page}/${page}.js`), "utf8")])));
    const checked = pages.filter((page) => texts[page].startsWith("// @ts-check"));
    assert.deepEqual(pages.filter((page) => !checked.includes(page)), ["doctor", "subprotocol"]); // these have no contract
    const put = (name, text) => writeFile(join(dir, name), text.replaceAll(/from "\/(assets\/[^"]+)"/g, 'from "../$1"').replaceAll("/socket.io/socket.io.esm.min.js", "socket.io-client"));
    await put("public/assets/live.js", await readFile(path("public/assets/live.js"), "utf8"));
    for (const page of checked) await put(`public/${page}/${page}.js`, texts[page]);
    const mistakes = [
      ["chat", '"typing", now)', '"typing", "yes")', "TS2345"],
      ["chat", 'socket.on("people"', 'socket.on("persons"', "TS2345"],
      ["chat", 'ask(socket, "say"', 'ask(socket, "shout"', "TS2345"],
      ["chat", "{ id, name, on }", "{ id, name, off }", "TS2339"],
      ["acks", "newID(n), mood(), (err)", "newID(n), 5, (err)", "TS2345"],
      ["counter", 'socket.on("count"', 'socket.on("counts"', "TS2345"],
      ["echo", 'emit("echo"', 'emit("ecko"', "TS2345"],
      ["lifecycle", '"hello", "from the page"', '"hello", 5', "TS2345"],
      ["welcome", 'socket.on("welcome"', 'socket.on("hello"', "TS2345"],
      ["binary", '"show", { data })', '"show", { date: data })', "TS2353"],
      ["cursors", "{ userId, line, column })", "{ user, line, column })", "TS2339"],
      ["cursors", "pending: pending?.id ?? \"\" }", "pending }", "TS2322"],
      ["origin", "{ origin, transport });", "{ origin });", "TS2741"],
      ["polling", 'socket.emit("shout", "hello " +', 'socket.emit("shout", +', "TS2345"],
      ["recovery", 'socket.on("tick"', 'socket.on("tock"', "TS2345"],
      ["whiteboard", 'ask(socket, "stroke", stroke)', 'ask(socket, "stroke", 5)', "TS2345"],
      ["whiteboard", 'socket.on("people"', 'socket.on("persons"', "TS2345"],
    ];
    const files = checked.map((page) => `public/${page}/${page}.js`);
    for (const [i, [page, right, wrong]] of mistakes.entries()) {
      assert.ok(texts[page].includes(right), right);
      files.push(`public/${page}/wrong${i}.js`);
      await put(files.at(-1), texts[page].replace(right, wrong));
    }
    const config = JSON.parse(await readFile(path("e2e/contracts/tsconfig.json"), "utf8"));
    Object.assign(config.compilerOptions, { allowJs: true, noImplicitAny: false, useUnknownInCatchVariables: false, paths: { "socket.io-client": [path("e2e/node_modules/client-4.8")] } });
    await writeFile(join(dir, "tsconfig.json"), JSON.stringify({ ...config, files }));
    const says = (await tsc("-p", dir, "--pretty", "false")).split("\n").filter((line) => line.includes("error "));
    assert.deepEqual(says.filter((line) => !/wrong\d+\.js\(/.test(line)), []);
    for (const [i, [page, , wrong, code]] of mistakes.entries()) assert.ok(says.some((line) => line.includes(`${page}/wrong${i}.js(`) && line.includes(code)), `${page}: ${wrong}\n${says.join("\n")}`);
  });

  test("the tutorial's page keeps to its contract, and each line that it says is refused is", async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "sockeye-"));
    t.after(() => rm(dir, { recursive: true }));
    await cp(path("docs/examples/tutorial/types"), dir, { recursive: true });
    await cp(path("e2e/contracts/tutorial.js"), join(dir, "wrong.js"));
    await mkdir(join(dir, "node_modules"));
    await symlink(path("e2e/node_modules/client-4.8"), join(dir, "node_modules/socket.io-client"));
    const config = JSON.parse(await readFile(join(dir, "tsconfig.json"), "utf8"));
    config.files.push("wrong.js"); // chat.js has nothing to be refused in
    await writeFile(join(dir, "tsconfig.json"), JSON.stringify(config));
    const says = (await tsc("-p", dir, "--pretty", "false")).trim().split("\n").map((line) => line.replace(/^\S*wrong\.js\(\d+,\d+\): error TS\d+: /, ""));
    for (const language of ["", ".zh-CN"]) {
      const text = await readFile(path(`docs/tutorial/types${language}.md`), "utf8");
      assert.deepEqual(says, /```text\n(.*?)\n```/s.exec(text)[1].split("\n"));
      const types = await readFile(path("docs/examples/tutorial/types/api/events.d.ts"), "utf8");
      for (const line of /```ts\n(.*?)\n```/s.exec(text)[1].split("\n")) assert.ok(types.includes(line), line);
    }
  });
});

describe("AsyncAPI", () => {
  const dialect = "application/schema+json;version=draft-2020-12";
  for (const [name, channels] of [["namespaces/api/asyncapi.json", 15], ["cmd/sockeye-events/testdata/shop.json", 4]]) {
    test(`${name} is a document, and its schemas are schemas`, async () => {
      const text = await readFile(path(name), "utf8");
      const ajv = new Ajv2020({ strict: true, formats: { binary: true, "date-time": true, email: true }, keywords: ["x-binding", "components"], allowUnionTypes: true, strictRequired: false, strictTypes: false, strictTuple: false });
      const parser = new Parser();
      parser.registerSchemaParser({ getMimeTypes: () => [dialect], validate: () => [], parse: ({ data }) => data }); // Ajv looks at them below
      const { document, diagnostics } = await parser.parse(text);
      assert.deepEqual(diagnostics.filter((d) => d.code !== "asyncapi-latest-version").map((d) => `${d.code} ${d.message} ${d.path.join(".")}`), []);
      assert.equal(document.channels().length, channels);
      // Each schema compiles as it stands in the document, references and all.
      const doc = JSON.parse(text);
      ajv.addSchema({ $id: "doc", components: doc.components });
      for (const [ref, { schema }] of Object.entries(doc.components.schemas)) assert.equal(typeof ajv.getSchema(`doc#/components/schemas/${ref}/schema`), "function", JSON.stringify(schema));
      const line = name.startsWith("namespaces") && ajv.getSchema("doc#/components/schemas/Line/schema");
      if (line) assert.deepEqual([line({ from: "", name: "", text: "", at: 1 }), line({ from: "", name: "", text: "" })], [true, false]);
    });
  }
});
