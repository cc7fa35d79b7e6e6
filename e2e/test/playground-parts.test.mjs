// The playground's parts that need no page: what it reads of a contract, samples, rules, and programs to copy.
import { after, before, beforeEach, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { Server } from "socket.io";
import { until } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const part = (name) => import(new URL(`../../playground/page/${name}.js`, import.meta.url));
const [{ read }, { sample }, { check }, { example, matches }, { copyAs }, { Store }] = await Promise.all(["contract", "sample", "check", "pattern", "copyas", "store"].map(part));
const documents = ["namespaces/api/asyncapi.json", "cmd/sockeye-events/testdata/shop.json"].map((name) => JSON.parse(readFileSync(new URL("../../" + name, import.meta.url), "utf8")));

const judge = () => addFormats(new Ajv2020({ strict: false, formats: { binary: true } }));
const clone = (value) => JSON.parse(JSON.stringify(value));
const asText = (value) => (value instanceof Uint8Array ? "" : Array.isArray(value) ? value.map(asText) : typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value).map(([key, v]) => [key, asText(v)])) : value);
const event = (document, namespace, side, name) => read(document).namespaces.find((ns) => ns.name === namespace)[side].find((one) => one.name === name);

// What is wrong with a value in one place each: of another type, without a member, too large.
function* mistakes(value) {
  for (const other of [null, "x", 0.5, true, [], {}, "", -1, 1e9, "x".repeat(500)]) yield other;
  for (const key of typeof value === "object" && value !== null && !(value instanceof Uint8Array) ? Object.keys(value) : []) {
    if (!Array.isArray(value)) yield Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
    for (const other of mistakes(value[key])) {
      const changed = Array.isArray(value) ? [...value] : { ...value };
      changed[key] = other;
      yield changed;
    }
  }
}

describe("contract", () => {
  test("every event of the demos is read, with its arguments and its acknowledgement", () => {
    const { namespaces, faults } = read(JSON.stringify(documents[0]));
    assert.deepEqual(faults, []);
    const messages = Object.values(documents[0].channels).flatMap(({ messages }) => Object.keys(messages));
    const of = (side) => namespaces.flatMap((ns) => ns[side]);
    assert.equal(of("heard").length, messages.filter((id) => /^receive\.(?!.*\.ack$)/.test(id)).length);
    assert.equal(of("said").length, messages.filter((id) => /^send\.(?!.*\.ack$)/.test(id)).length);
    assert.equal([...of("heard"), ...of("said")].filter(({ ack }) => ack).length, messages.filter((id) => id.endsWith(".ack")).length);
    const order = event(documents[0], "/acks", "heard", "order");
    assert.deepEqual([order.args.map(({ name }) => name), order.ack.map(({ schema }) => schema.type), order.list], [["id", "mood"], ["string"], false]);
    assert.equal(event(documents[0], "/echo", "heard", "echo").list, true);
    assert.deepEqual(event(documents[0], "/counter", "heard", "start"), { name: "start", doc: "", args: [], ack: null, list: false });
  });

  test("documents of others", () => {
    const { namespaces, faults, resolve } = read({
      asyncapi: "3.0.0", channels: { "my~chat": { $ref: "#/components/channels/chat" } },
      operations: { say: { action: "receive", channel: { $ref: "#/channels/my~0chat" }, messages: [{ $ref: "#/components/messages/say%20it" }], reply: { messages: [{ $ref: "#/components/messages/done" }] } } },
      components: {
        channels: { chat: { address: "chat" } }, schemas: { Done: { schemaFormat: "application/schema+json", schema: { type: "boolean" } } },
        messages: { "say it": { summary: "Says it.", payload: { type: "string", title: "line" } }, done: { payload: { $ref: "#/components/schemas/Done" } } },
      },
    });
    assert.deepEqual(faults, []);
    assert.deepEqual(namespaces, [{ name: "/chat", said: [], heard: [{ name: "say it", doc: "Says it.", args: [{ name: "line", doc: "", schema: { type: "string", title: "line" } }], ack: [{ name: "Done", schema: { $ref: "#/components/schemas/Done" } }], list: false }] }]);
    assert.equal(sample(namespaces[0].heard[0].ack[0].schema, resolve), true);
  });

  test("whatever a document holds, it is a fault in words", () => {
    const channel = (payload, more = {}) => ({
      asyncapi: "3.0.0", channels: { a: { messages: { m: { name: "e", payload, ...more } } } }, operations: { o: { action: "receive", channel: { $ref: "#/channels/a" } } }, components: { schemas: { S: { $ref: "#/components/schemas/S" }, A: { allOf: [{ $ref: "#/components/schemas/A" }] } } },
    });
    for (const document of ["", "{", "[]", "null", 7, "\"x\"", "{}", { asyncapi: 3 }, { asyncapi: "2.6.0", channels: {} }, { asyncapi: "3.0.0", channels: [] }, " ".repeat(9 << 20)]) {
      const { namespaces, faults } = read(document);
      assert.deepEqual([namespaces, faults.length, typeof faults[0]], [[], 1, "string"]);
    }
    for (const document of [
      { asyncapi: "3.0.0", channels: { a: { $ref: "#/channels/b" }, b: { $ref: "#/channels/a" }, c: { $ref: "http://elsewhere/x" }, d: { $ref: "#/__proto__/x" }, e: { address: 5 }, f: { address: "x".repeat(1000) } } },
      { asyncapi: "3.0.0", channels: { a: {} }, operations: { o: 5, p: { action: "constructor", channel: {} }, q: { action: "send", channel: { $ref: "#/toString" } } } },
      channel("text"), channel({}, { name: 5 }), channel({}, { name: "" }),
    ]) assert.ok(read(document).faults.every((text) => typeof text === "string") && read(document).faults.length > 0, JSON.stringify(document));
    for (const payload of [
      { $ref: "#/components/schemas/S" }, { $ref: "#/components/schemas/A" }, { allOf: [{ $ref: "#/components/schemas/A" }, 5] }, { type: 5, enum: 7, properties: [], required: "x", items: null, prefixItems: {} }, { type: ["object", "x"], properties: { a: 1, b: null } },
      JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"number"}},"required":["__proto__","toString"]}'), JSON.parse('{"__proto__":{"type":"string"},"allOf":[{"__proto__":7}]}'),
      { type: "array", minItems: 1e9, items: { type: "array", minItems: 1e9, items: {} } }, { type: "string", minLength: 1e12, pattern: "(a+)+$" }, { anyOf: Array(200).fill({ anyOf: Array(200).fill({ type: "string" }) }) },
      { minimum: "1", maximum: {}, multipleOf: 0, not: 5, const: undefined }, { type: "object", minProperties: 1e9 }, { type: "object", minProperties: 5, propertyNames: { const: "a" } }, false, { enum: [] },
    ]) {
      const document = clone(channel(payload)), { namespaces: [{ heard }], resolve } = read(document);
      const schema = document.channels.a.messages.m.payload;
      assert.ok(heard.length === 1 && heard[0].args.length <= 1);
      const value = sample(schema, resolve);
      for (const tried of [value, null, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", 1, [], {}, [[[]]], { a: { b: [1] } }]) assert.ok(Array.isArray(check(schema, tried, resolve)));
    }
    assert.equal({}.type, undefined);
    const many = { asyncapi: "3.0.0", channels: {}, operations: {} };
    for (let i = 0; i < 3000; i++) {
      many.channels["c" + i] = { messages: { m: { name: "e" } } };
      many.operations["o" + i] = { action: "receive", channel: { $ref: "#/channels/c" + i } };
    }
    assert.equal(read(many).namespaces.length, 500);
    // Each level refers twice to the next: 2^40 values, were all of them made.
    const wide = { type: "object", properties: {}, required: ["a", "b"] };
    const levels = Object.fromEntries(Array.from({ length: 40 }, (_, i) => ["L" + i, { ...wide, properties: { a: { $ref: `#/L${i + 1}` }, b: { $ref: `#/L${i + 1}` } } }]));
    const { resolve } = read({ asyncapi: "3.0.0", channels: {}, ...levels, L40: {} });
    check(levels.L0, sample(levels.L0, resolve), resolve);
  });
});

describe("sample and check", () => {
  for (const document of documents) {
    test(`samples of ${document.info.title} keep to their schema, mistakes do not, and Ajv agrees`, () => {
      const ajv = judge();
      ajv.addSchema({ $id: "doc", ...document });
      const { namespaces, resolve } = read(document);
      const schemas = Object.keys(document.components.schemas).map((name) => ({ $ref: `#/components/schemas/${name}/schema` }));
      for (const ns of namespaces) for (const { args, ack } of [...ns.heard, ...ns.said]) for (const { schema } of [...args, ...(ack ?? [])]) schemas.push(schema);
      let refused = 0;
      for (const schema of schemas) {
        const valid = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"doc#/')));
        const value = sample(schema, resolve);
        assert.deepEqual(check(schema, value, resolve), [], JSON.stringify([schema, value]));
        assert.ok(valid(asText(value)), JSON.stringify([schema, value, valid.errors]));
        for (const wrong of mistakes(value)) {
          const faults = check(schema, wrong, resolve);
          const binary = faults.filter(({ text }) => text.includes("binary data")); // a text, to Ajv
          if (binary.length > 0) continue;
          assert.equal(valid(asText(wrong)), faults.length === 0, JSON.stringify([schema, wrong, faults, valid.errors]));
          refused += faults.length > 0;
        }
      }
      assert.ok(refused > 300, String(refused));
    });
  }

  test("each rule, as it is written for one", () => {
    const ajv = judge();
    const binding = (rules) => ({ "x-binding": rules });
    for (const [schema, right, wrong, path, rule, text] of [
      [{ type: "string", minLength: 1, maxLength: 3 }, ["a", "😀😀😀"], ["", "abcd", 1, null], "", "minLength", "This must not be empty"],
      [{ type: "object", properties: { n: { type: "integer", minimum: 1, maximum: 9, ...binding("min=1,lte=9") } }, required: ["n"] }, [{ n: 1 }, { n: 9, m: 1 }], [{ n: 0 }, {}, { n: 1.5 }, []], "n", "minimum", "This must be at least 1"],
      [{ type: "array", items: { type: "string", pattern: "^a\\.b$" }, uniqueItems: true, maxItems: 2 }, [[], ["a.b"]], [["a.b", "ab"], ["a.b", "a.b"], [1]], "[1]", "pattern", "This does not fit ^a\\.b$"],
      [{ type: "string", anyOf: [{ enum: ["", null] }, { format: "email" }] }, ["", "a@b.cd"], ["x", "a@b@c", 5], "", "format", "This must be an e-mail address"],
      [{ type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 }, [0.5], [0, 1, "x"], "", "exclusiveMinimum", "This must be more than 0"],
      [{ type: "integer", not: { const: 0 } }, [1, -1], [0], "", "not", "This must not be 0"],
      [{ type: "boolean", const: true }, [true], [false, 1], "", "const", "This must be true"],
      [{ enum: ["red", "blue"] }, ["red"], ["green", null], "", "enum", "This must be one of red, blue"],
      [{ type: ["object", "null"], additionalProperties: { type: "integer" }, minProperties: 1, maxProperties: 2 }, [null, { a: 1 }], [{ "a b": "x" }, {}, { a: 1, b: 2, c: 3 }], '["a b"]', "type", "This must be a whole number"],
      [{ type: "array", prefixItems: [{ type: "string" }, { type: "number" }], minItems: 2, maxItems: 2 }, [["a", 1]], [["a", "b"], ["a"], ["a", 1, 2]], "[1]", "type", "This must be a number"],
      [{ anyOf: [{ type: "object", required: ["error"] }, { type: "object", required: ["id"], properties: { id: { type: "string" } } }] }, [{ id: "" }, { error: 1 }], [{ id: 5 }, {}], "id", "type", "This must be a text"],
      [{ oneOf: [{ type: "integer" }, { type: "number", minimum: 5 }] }, [1, 5.5], [5, 0.5], "", "oneOf", "More than one of the forms fits"],
      [{ type: "string", format: "date-time" }, ["2026-01-31T12:00:00Z", "2024-02-29T12:00:00.5+01:00"], ["2026-02-30T12:00:00Z", "yesterday"], "", "format", "This must be a date and time, as 2026-01-31T12:00:00Z"],
      [{ type: "string", format: "uuid" }, ["3f2b8c1e-5d4a-4c6b-9e7f-0a1b2c3d4e5f"], ["3f2b"], "", "format", "This must be a UUID"],
      [{ type: "string", format: "ipv4" }, ["127.0.0.1"], ["256.1.1.1", "1.2.3"], "", "format", "This must be an IPv4 address"],
      [{ type: "string", format: "ipv6" }, ["::1", "2001:db8::ff"], ["1.2.3.4", ":::"], "", "format", "This must be an IPv6 address"],
      [{ type: "string", format: "hostname" }, ["a.example.com"], ["-a.example", "a b"], "", "format", "This must be the name of a host"],
      [{ type: "string", format: "uri" }, ["https://example.com/a?b=c"], ["example.com", "http://a b"], "", "format", "This must be an address, as https://example.com/"],
      [{ type: "string", pattern: "^[^\\p{Lu}]*$" }, ["kleinß", ""], ["Groß"], "", "pattern", "This does not fit ^[^\\p{Lu}]*$"],
      [{ type: "object", additionalProperties: false, properties: { a: {} }, propertyNames: { maxLength: 3 } }, [{ a: 1 }], [{ b: 1 }], "b", "additionalProperties", "There is no such member"],
      [{ type: "number", multipleOf: 0.1 }, [0.3, 1], [0.35], "", "multipleOf", "This must be a multiple of 0.1"],
      [{ if: { type: "string" }, then: { minLength: 2 }, else: { type: "null" } }, ["ab", null], ["a", 5], "", "minLength", "At least 2 characters"],
    ]) {
      const valid = ajv.compile(schema);
      for (const value of right) assert.deepEqual(check(schema, value), [], JSON.stringify([schema, value]));
      for (const value of wrong) assert.notDeepEqual(check(schema, value), [], JSON.stringify([schema, value]));
      if (!schema.multipleOf) for (const value of [...right, ...wrong]) assert.equal(valid(value), right.includes(value), JSON.stringify([schema, value]));
      assert.deepEqual(check(schema, wrong[0])[0], { path, rule, text });
      assert.deepEqual(check(schema, sample(schema)), [], JSON.stringify([schema, sample(schema)]));
    }
    const bytes = { type: ["string", "null"], format: "binary", contentMediaType: "application/octet-stream" };
    for (const value of [null, new Uint8Array(3), new ArrayBuffer(2)]) assert.deepEqual(check(bytes, value), []);
    for (const value of ["text", 5, [1], {}]) assert.deepEqual(check(bytes, value), [{ path: "", rule: "type", text: "This must be binary data" }]);
    assert.ok(sample(bytes) instanceof Uint8Array);
  });

  test("samples satisfy several rules at once", () => {
    for (const schema of [
      { type: "string", minLength: 30, maxLength: 32 }, { type: "string", maxLength: 1 }, { type: "string", pattern: "^[0-9]+$", minLength: 12 }, { type: "string", pattern: "^(0[xX])?[0-9a-fA-F]+$" }, { type: "string", pattern: "^https:" }, { type: "string", pattern: "\\.png$" }, { type: "string", not: { const: "text" } },
      { type: "array", minItems: 4, uniqueItems: true, items: { type: "string" } }, { type: "array", minItems: 3, uniqueItems: true, items: { enum: [1, 2, 3] } }, { type: "array", minItems: 2, uniqueItems: true, items: { type: "boolean" } }, { type: "array", minItems: 3, uniqueItems: true, items: { type: "integer", minimum: -3, maximum: -1 } },
      { type: "integer", minimum: -20, maximum: -10 }, { type: "number", exclusiveMinimum: 3, maximum: 3.001 }, { type: "integer", exclusiveMinimum: 3, exclusiveMaximum: 5 }, { type: "integer", multipleOf: 7, minimum: 20 }, { type: "object", minProperties: 3, additionalProperties: { type: "integer" } },
      { allOf: [{ type: "object", properties: { a: { type: "string" } }, required: ["a"] }, { properties: { b: { type: "integer", minimum: 5 } }, required: ["b"] }] }, { type: "integer", anyOf: [{ enum: [0, null] }, { minimum: 10 }] }, { type: "array", contains: { const: 5 }, minItems: 1 },
    ]) assert.deepEqual(check(schema, sample(schema)), [], JSON.stringify([schema, sample(schema)]));
    assert.deepEqual(sample({ type: "integer", anyOf: [{ enum: [0, null] }, { minimum: 10 }] }), 10); // what is more than nothing
  });

  test("in Chinese where the document is", () => {
    globalThis.document = { documentElement: { lang: "zh-CN" } };
    try {
      assert.equal(check({ type: "integer" }, "x")[0].text, "应为整数");
      assert.match(read("{").faults[0], /不是/);
    } finally {
      delete globalThis.document;
    }
  });
});

describe("patterns", () => {
  test("they match as the browser's do, and take no longer than the text is long", () => {
    for (const pattern of ["^a+$", "^[-+]?[0-9]+(?:\\.[0-9]+)?$", "a|b", "^(foo|bar){2}$", "x{2,4}y", "^\\d{3}-\\w+$", "[^\\p{L}]", "^\\u0041\\x42$", ".", "^$", "a?b*c+?", "^(a*)*$", "[\\]\\\\-]", "(|a)b", "\\$\\{x\\}"]) {
      for (const text of ["", "a", "aaa", "12.5", "foobar", "xxxy", "xy", "123-ab", "中", "AB", "aab", "b", "]", "-", "${x}", "\n", "😀", "cc"]) assert.equal(matches(pattern, text), new RegExp(pattern, "u").test(text), `${pattern} ${JSON.stringify(text)}`);
      const fits = example(pattern);
      assert.ok(fits !== undefined && new RegExp(pattern, "u").test(fits), `${pattern}: ${fits}`);
    }
    for (const pattern of ["(a+)+$", "^(a|a)*$", "(.*)*x", ".*.*.*.*.*x", "^(([a-z])+.)+[A-Z]([a-z])+$"]) assert.equal(matches(pattern, "a".repeat(2000) + "!"), false, pattern);
    for (const pattern of ["a(?=b)", "(a)\\1", "(", "a{99,1}", "[z-a]", "x".repeat(1000), "((((a{99}){99}){99}){99})", 5, "\\b", "(".repeat(100), "(?<n>a)"]) assert.deepEqual([matches(pattern, "ab"), example(pattern)], [undefined, undefined], String(pattern).slice(0, 20));
  });
});

describe("programs to copy", () => {
  const nasty = "it's \"quoted\" $(touch pwned) `touch pwned` \\ \\n ${x} %s !! 😀 é \u2028 \u202e \u0007\t</script>\n;'\"'\"; --json";
  const bytes = Uint8Array.from({ length: 70 }, (_, i) => (i * 37) & 255);
  const plain = [nasty, { [nasty]: [nasty, {}], constructor: 0 }, [-5, 0.1, 1e21, 2 ** 40, 1e-7, true, false, null, "", [], {}], new Uint8Array([0, 255, 34, 39, 92]), bytes, "-", "--", "@x"];
  const proto = JSON.parse('{"__proto__":{"a":1}}'); // the official clients lose it beside bytes
  const deep = { path: ["a", { b: Uint8Array.of(1, 2) }] };
  let server, dir, seen;

  before(async () => {
    const http = createServer();
    server = new Server(http, { allowEIO3: true, path: "/odd.path/" });
    for (const namespace of ["/", /.*/]) server.of(namespace).on("connection", (socket) => socket.onAny((name, ...args) => {
      const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
      const { query, auth, headers } = socket.handshake;
      seen.push({ name, args: [...args], acked: Boolean(ack), namespace: socket.nsp.name, q: query["a&b"], auth: { ...auth }, header: headers["x-what"], version: query.EIO, transport: query.transport });
      ack?.("answered", ...args);
    }));
    await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
    dir = await mkdtemp(join(tmpdir(), "copy-"));
    for (const [folder, client] of [[".", "client-4.8"], ["old", "client-2.5"]]) {
      await mkdir(join(dir, folder, "node_modules"), { recursive: true });
      await symlink(fileURLToPath(new URL(`../node_modules/${client}`, import.meta.url)), join(dir, folder, "node_modules/socket.io-client"));
    }
    await symlink(fileURLToPath(new URL("../../bin/program", import.meta.url)), join(dir, "sockeye"));
  });
  after(async () => {
    server.close();
    await rm(dir, { recursive: true });
  });
  beforeEach(() => { seen = []; });

  const url = () => `http://127.0.0.1:${server.httpServer.address().port}/`;
  const auth = { token: nasty, n: 5, deep: { [nasty]: [true] } };
  const whole = (more) => ({ url: url(), path: "/odd.path/", namespace: "/it's $HOME", query: { "a&b": nasty }, headers: { "x-what": "it's \"a\" $(x) \\" }, auth, transports: ["websocket"], version: "4.8", event: nasty, args: plain, ack: true, timeout: 20000, ...more });
  const bare = (more) => ({ url: url(), path: "/odd.path/", namespace: "/", event: "plain", args: [], ack: false, transports: "polling,websocket", timeout: 20000, ...more });
  const run = async (file, args, options = {}) => {
    const { stdout, stderr } = await promisify(execFile)(file, args, { cwd: dir, timeout: stretch(120000), ...options });
    assert.equal(stderr.replace(/^go: .*\n/gm, ""), "");
    return stdout;
  };
  const put = (name, text) => writeFile(join(dir, name), text);
  const arrived = (request, { args = request.args, version = "4" } = {}) => {
    const found = seen.find(({ name }) => name === request.event);
    assert.ok(found, JSON.stringify(seen));
    assert.deepEqual(found.args.map((arg) => (Buffer.isBuffer(arg) ? new Uint8Array(arg) : arg)), args);
    const { acked, namespace, q, auth: sent, header, transport } = found;
    assert.deepEqual([acked, namespace, found.version], [request.ack, request.namespace, version]);
    if (request.query) assert.deepEqual([q, header, transport], [nasty, request.headers["x-what"], "websocket"]);
    if (request.query && version === "4") assert.deepEqual(sent, auth);
  };

  test("JavaScript, for both versions of the client", async () => {
    const [a, b, c, d] = [whole(), bare({ args: [deep] }), whole({ version: "2.5", namespace: "/", event: "old" }), bare({ version: "2.5", event: "old plain", args: [proto] })];
    await put("a.mjs", copyAs("javascript", a));
    await put("b.mjs", copyAs("javascript", b));
    await put("old/c.mjs", copyAs("javascript", c));
    await put("old/d.mjs", copyAs("javascript", d));
    await put("all.mjs", 'await Promise.all([import("./a.mjs"), import("./b.mjs"), import("./old/c.mjs"), import("./old/d.mjs")]);');
    assert.equal((await run(process.execPath, ["all.mjs"])).match(/^answered/gm).length, 2);
    arrived(a);
    await until("what is not acknowledged arrives", () => seen.length === 4);
    arrived({ ...b, args: [{ path: ["a", { b: Buffer.of(1, 2) }] }] });
    arrived(c, { version: "3" });
    arrived(d, { version: "3" });
  });

  test("TypeScript compiles", async () => {
    await put("a.ts", copyAs("typescript", whole()));
    await put("b.ts", copyAs("typescript", bare({ args: [deep] })));
    await run(fileURLToPath(new URL("../node_modules/.bin/tsc", import.meta.url)), ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--types", "", "a.ts", "b.ts"]);
  });

  test("Go", async () => {
    const [a, b] = [whole(), bare({ args: [deep] })];
    await put("a.go", copyAs("go", a));
    await put("b.go", copyAs("go", b));
    const root = fileURLToPath(new URL("../..", import.meta.url));
    assert.equal(await run("gofmt", ["-l", "a.go", "b.go"]), "");
    await run("go", ["vet", join(dir, "b.go")], { cwd: root });
    assert.match(await run("go", ["run", join(dir, "a.go")], { cwd: root }), /^answered\n/);
    arrived(a);
  });

  test("Python", async () => {
    const [a, b, c] = [whole(), bare({ args: [deep] }), bare({ event: "none", ack: true })];
    await put("a.py", copyAs("python", a));
    await put("b.py", copyAs("python", b));
    await put("c.py", copyAs("python", c));
    assert.match(await run("/usr/bin/python3", ["-c", "import runpy, sys\nfor path in sys.argv[1:]: runpy.run_path(path)", "a.py", "b.py", "c.py"]), /answered/);
    arrived(a);
    await until("what is not acknowledged arrives", () => seen.length === 3);
    arrived({ ...b, args: [{ path: ["a", { b: Buffer.of(1, 2) }] }] });
    arrived(c);
  });

  test("the shell", async () => {
    const [a, b] = [whole(), bare({ event: "--plain", args: [[1, nasty], proto] })];
    await put("a.sh", copyAs("shell", a) + copyAs("shell", b));
    await run("bash", ["-n", "a.sh"]);
    assert.match(await run("bash", ["a.sh"], { env: { ...process.env, PATH: `${dir}:${process.env.PATH}` } }), /^\["answered"/);
    await until("what is not acknowledged arrives", () => seen.length === 2);
    arrived(a);
    arrived(b);
    assert.deepEqual((await readdir(dir)).filter((name) => name === "pwned"), []);
  });

  test("what cannot be seen, or is half a letter, is escaped everywhere", () => {
    const odd = "a\u202eb\u200bc\ufeffd\ud800e\u{e0041}f\u0000g\u0085h";
    for (const kind of ["javascript", "typescript", "go", "python", "shell"]) {
      for (const version of ["4.8", "2.5"]) {
        const text = copyAs(kind, { url: "http://h/" + odd, path: odd, namespace: "/" + odd, query: { [odd]: odd }, headers: { [odd]: odd }, auth: { [odd]: odd }, transports: [odd], version, event: odd, args: [odd, { [odd]: [odd] }, undefined, NaN, () => {}, -0], ack: true, timeout: -1 });
        assert.doesNotMatch(text, /[\u202e\u200b\ufeff\u0000\u0085\u{e0041}]|[\ud800-\udfff]/u, kind);
        assert.doesNotMatch(text, /undefined|NaN|\[object/, kind);
      }
      assert.ok(copyAs(kind, {}).length > 20);
    }
    assert.throws(() => copyAs("constructor", {}), /no language/);
  });
});

describe("store", () => {
  const storage = (most = Infinity, map = new Map()) => ({
    map, getItem: (key) => map.get(key) ?? null,
    setItem(key, value) {
      if (value.length > most) throw Object.assign(new Error("exceeded"), { name: "QuotaExceededError" });
      map.set(key, value);
    },
  });
  const say = (n) => ({ url: "http://h", namespace: "/chat", event: "say " + n, args: [n, Uint8Array.of(n, 255), { $base64: "AAAA" }, { $base64: { $base64: 1 } }, JSON.parse('{"__proto__":1}')], transports: ["polling"], ack: true, timeout: 5 });
  const events = (store) => store.history().map(({ request }) => request.event);

  test("what is kept comes back as it was, to another page too", () => {
    const kept = storage(), store = new Store(kept);
    assert.equal(store.add(say(1), 5), "");
    assert.deepEqual(new Store(kept).history(), [{ at: 5, request: say(1) }]);
    for (let i = 0; i < 110; i++) store.add(say(i));
    assert.deepEqual([events(store).length, events(store)[0]], [100, "say 109"]);
    assert.equal(store.save(" b ", say(2)) + store.save("a", say(1)) + store.save("b", say(3)), "");
    assert.deepEqual(new Store(kept).list(), [{ name: "a", request: say(1) }, { name: "b", request: say(3) }]);
    assert.match(store.rename("a", "b") + store.rename("x", "y") + store.rename("a", " ") + store.remove("x") + store.save("", say(1)) + store.save("n", {}), /of this name.*no such.*needs a name.*no such.*needs a name.*no event/);
    assert.equal(store.rename("a", "c") + store.remove("b"), "");
    assert.deepEqual(store.list().map(({ name }) => name), ["c"]);
    store.clear();
    assert.deepEqual(store.history(), []);
  });

  test("a file goes from one browser to another", () => {
    const one = new Store(storage()), other = new Store(storage());
    one.save("a", say(1));
    one.save("b", say(2));
    other.save("a", say(5));
    assert.deepEqual(other.importFile(one.exportFile()), { added: 2, faults: [] });
    assert.deepEqual(other.list(), [{ name: "a", request: say(5) }, { name: "a (2)", request: say(1) }, { name: "b", request: say(2) }]);
    assert.deepEqual(one.importFile(one.exportFile()), { added: 0, faults: [] });
  });

  test("storage that is full, forbidden, or not ours", () => {
    const small = new Store(storage(3000));
    for (let i = 0; i < 50; i++) assert.equal(small.add(say(i)), "");
    assert.ok(events(small)[0] === "say 49" && events(small).length < 20);
    for (let i = 0; i < 20; i++) small.save("n" + i, say(i));
    assert.match(small.save("last", say(1)), /full.*as long as the page/);
    assert.equal(small.list().length, 21); // in memory
    for (const forbidden of [undefined, null, { getItem() { throw new Error("denied"); }, setItem() { throw new Error("denied"); } }]) {
      const store = new Store(forbidden);
      assert.deepEqual([store.history(), store.list()], [[], []]);
      assert.match(store.add(say(1)), /forbids/);
      store.save("a", say(1));
      assert.deepEqual([events(store), store.list().length], [["say 1"], 1]);
    }
    for (const text of ["{", "5", "null", '"x"', "[1,null,{}]", '[{"name":"a","request":{"event":5}}]', "[".repeat(100000), '[{"at":"x","request":{"event":"e","args":"x","auth":[],"timeout":"y","__proto__":{"z":1}}}]']) {
      const store = new Store({ getItem: () => text, setItem() {} });
      assert.ok(store.history().every(({ request }) => JSON.stringify(request) === '{"event":"e"}') && Array.isArray(store.list()), text.slice(0, 50));
    }
  });

  test("files of anybody", () => {
    const store = new Store(storage());
    const file = (requests, more = {}) => JSON.stringify({ format: "sockeye-playground", version: 1, requests, ...more });
    for (const text of ["", "{", "[]", "null", "5", undefined, file([], { format: "x" }), file(5), file([], { version: 2 }), file([], { version: "x" }), " ".repeat(9 << 20)]) assert.deepEqual([store.importFile(text).added, store.importFile(text).faults.length], [0, 1], String(text).slice(0, 60));
    const deep = JSON.parse('{"a":'.repeat(500) + "1" + "}".repeat(500));
    const { added, faults } = store.importFile(file([null, 5, {}, { name: "n" }, { name: 5, request: say(1) }, { name: "x".repeat(101), request: say(1) }, { name: "d", request: { event: "e", args: [deep] } }, { name: "big", request: { event: "e", args: ["x".repeat(300000)] } }, { name: "__proto__", request: { event: "e" } }, { name: "ok", request: { event: "e", other: 1, transports: "polling" } }]));
    assert.deepEqual([added, faults.length, faults[0]], [2, 8, "Request 1 cannot be read: it needs a name"]);
    assert.deepEqual(store.list(), [{ name: "__proto__", request: { event: "e" } }, { name: "ok", request: { event: "e", transports: ["polling"] } }]);
    const many = store.importFile(file(Array.from({ length: 400 }, (_, i) => ({ name: "r" + i, request: { event: "e" } }))));
    assert.deepEqual([store.list().length, many.added, many.faults.length], [300, 298, 1]);
    assert.match(store.save("one more", say(1)), /300/);
    assert.equal(store.save("r1", say(1)), "");
  });
});
