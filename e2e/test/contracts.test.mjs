// The written contracts, as those who use them do: TypeScript's compiler with the official client's own types, and AsyncAPI's own parser.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
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

  // The pages have no build step: the copy names the files where the compiler finds them.
  test("the chat's page keeps to its contract, as JavaScript", async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "sockeye-"));
    t.after(() => rm(dir, { recursive: true }));
    await mkdir(join(dir, "namespaces"));
    await cp(path("namespaces/api"), join(dir, "namespaces/api"), { recursive: true });
    await cp(path("public/assets"), join(dir, "public/assets"), { recursive: true });
    await cp(path("public/chat"), join(dir, "public/chat"), { recursive: true });
    const config = JSON.parse(await readFile(path("e2e/contracts/tsconfig.json"), "utf8"));
    delete config.files;
    config.compilerOptions.allowJs = true;
    config.compilerOptions.noImplicitAny = false;
    config.compilerOptions.paths = { "socket.io-client": [path("e2e/node_modules/client-4.8")] };
    await writeFile(join(dir, "tsconfig.json"), JSON.stringify({ ...config, include: ["public/chat/chat.js"] }));
    const rewritten = async (name, change = (text) => text) => {
      const text = (await readFile(path(name), "utf8")).replaceAll(/from "\/(assets\/[^"]+)"/g, 'from "../$1"').replaceAll("/socket.io/socket.io.esm.min.js", "socket.io-client");
      await writeFile(join(dir, name), change(text));
    };
    await rewritten("public/assets/live.js");
    await rewritten("public/chat/chat.js");
    assert.equal(await tsc("-p", dir), "");
    for (const [right, wrong, says] of [
      ['"typing", now)', '"typing", "yes")', "TS2345"],
      ['socket.on("people"', 'socket.on("persons"', "TS2345"],
      ['ask(socket, "say"', 'ask(socket, "shout"', "TS2345"],
      ["{ id, name, on }", "{ id, name, off }", "TS2339"],
    ]) {
      await rewritten("public/chat/chat.js", (text) => {
        assert.ok(text.includes(right), right);
        return text.replace(right, wrong);
      });
      assert.match(await tsc("-p", dir), new RegExp(says), wrong);
    }
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
