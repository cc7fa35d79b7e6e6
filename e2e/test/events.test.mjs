// Events, arguments of every kind, binary, acks: every client over every transport.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer } from "../lib/server.mjs";
import { crossed } from "../lib/cell.mjs";
import { ask, ask1, clients, collect, connect, next, pause, pattern, plain, transports } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const server = await startServer("main");
after(() => server.stop());

const strings = ["", "plain", "é", "日本語", "😀👨‍👩‍👧‍👦", "\u2028\u2029", "\u0000\u0001\u001f", "\\\"/\b\f\n\r\t", "\ufeffbom", "\u001e", "0:", "b64"];
const types = [null, true, false, 0, -1, 1.5, 9007199254740991, 1e21, "", [], {}, [[]], { a: { b: [null] } }];

for (const client of clients) for (const transport of Object.keys(transports)) {
  // 1.x clients without XMLHttpRequest 2 (Node's) encode text twice when polling, which the server cannot tell from 2.x: ASCII there.
  const ascii = !client.since(2) && transport !== "websocket";
  const it = (area, title, body) => crossed(client, transport, area, title, (use, t) =>
    body(async (nsp, options) => use(await connect(client, transport, server.url, nsp, options)), t));

  it("connect", "welcome and info tell who is there", async (open) => {
    const color = ascii ? "blue & green" : "blue & ünïcode";
    const socket = await open("/", { query: { color } });
    const info = await ask1(socket, "info");
    const { welcome } = socket;
    assert.equal(info.nsp, "/");
    assert.equal(info.eio, client.eio);
    assert.match(info.connId, /^[\w-]{20}$/);
    if (client.eio === 3) assert.equal(info.id, info.connId);
    else assert.match(info.id, /^[\w-]{20}$/);
    assert.equal(socket.id, info.id);
    assert.equal(info.transport, transport === "polling" ? "polling" : "websocket");
    assert.deepEqual(info.auth, {});
    assert.equal(info.query.color, color);
    assert.equal(info.query.EIO, String(client.eio));
    assert.equal(info.query.transport, transports[transport][0]);
    assert.equal(info.recovered, false);
    assert.deepEqual(info.rooms, [info.id]);
    assert.deepEqual(info.data, {});
    assert.equal(info.origin, null);
    assert.match(info.url, /^\/socket\.io\/\?/);
    assert.deepEqual({ ...welcome, transport: "" }, { ...info, transport: "" });
    assert.deepEqual(Object.keys(info), ["id", "nsp", "eio", "connId", "transport", "auth", "query", "recovered", "rooms",
      "data", "header", "origin", "url"]);
  });
  if (client.since(2)) it("connect", "request headers are seen", async (open) => {
    const socket = await open("/", { extraHeaders: { "x-test": "seen" } });
    assert.equal((await ask1(socket, "info")).header, "seen");
  });
  it("connect", "data stays with the socket", async (open) => {
    const socket = await open("/");
    assert.deepEqual(await ask(socket, "setData", "k", { deep: [1] }), []);
    assert.deepEqual((await ask1(socket, "info")).data, { k: { deep: [1] } });
  });

  if (!(ascii && transport === "polling")) it("events", "strings arrive and return unchanged", async (open) => {
    const socket = await open("/");
    assert.deepEqual(await ask1(socket, "genStrings"), strings);
    assert.deepEqual(await ask(socket, "echo", ...strings), strings);
    const described = await ask1(socket, "types", ...strings);
    assert.deepEqual(described, strings.map((s) => ({ t: "string", hex: Buffer.from(s).toString("hex") })));
  });
  it("events", "values of every JSON type", async (open) => {
    const socket = await open("/");
    assert.deepEqual(await ask(socket, "genTypes"), types);
    assert.deepEqual(await ask(socket, "echo", ...types), types);
    assert.deepEqual(await ask1(socket, "types", null, true, -1.5, 1e21, "x", [1, [null]], { b: 1, a: {}, "ä": 0 }), [
      { t: "null" }, { t: "bool", v: true }, { t: "number", v: -1.5 }, { t: "number", v: 1e21 }, { t: "string", hex: "78" },
      { t: "array", v: [{ t: "number", v: 1 }, { t: "array", v: [{ t: "null" }] }] },
      { t: "object", v: [["a", { t: "object", v: [] }], ["b", { t: "number", v: 1 }], ["ä", { t: "number", v: 0 }]] },
    ]);
    assert.deepEqual(await ask(socket, "genDate"), ["1970-01-02T00:00:00.000Z", { d: "1970-01-01T00:00:00.000Z" }]);
  });
  // The UTF-8 encoders of 1.x refuse lone surrogates, those of 2.x send other bytes: from 3.x on they are JSON escapes.
  if (client.since(3)) it("events", "lone surrogates", async (open) => {
    const socket = await open("/");
    assert.deepEqual(await ask1(socket, "types", "a\ud800b", "\udc00"), [{ t: "string", hex: "61efbfbd62" }, { t: "string", hex: "efbfbd" }]);
    assert.deepEqual(await ask(socket, "types", { "\uffff": 1, "😀": 2 }),
      [[{ t: "object", v: [["😀", { t: "number", v: 2 }], ["\uffff", { t: "number", v: 1 }]] }]]);
  });
  it("events", "echo without an ack is an event", async (open) => {
    const socket = await open("/");
    const echoed = next(socket, "echo");
    socket.emit("echo", 1, "two", { three: [3] });
    assert.deepEqual(await echoed, [1, "two", { three: [3] }]);
    const back = next(socket, "echoBack");
    socket.emit("echoBack");
    assert.deepEqual(await back, []);
    const pushed = next(socket, "an event: [\"with\" punctuation]");
    socket.emit("pushEvent", "an event: [\"with\" punctuation]", 1, null);
    assert.deepEqual(await pushed, [1, null]);
  });
  it("events", "a hundred arguments, a long string", async (open) => {
    const socket = await open("/");
    const many = Array.from({ length: 100 }, (_, i) => i);
    assert.deepEqual(await ask(socket, "echo", ...many), many);
    const long = "ü€😀x".repeat(50000);
    assert.equal(await ask1(socket, "echo", long), long);
  });

  it("binary", "from the server: sizes, nesting, empty", async (open) => {
    const socket = await open("/");
    for (const n of [0, 1, 125, 126, 65536, 300000]) {
      assert.deepEqual(plain(await ask1(socket, "genBinary", n)), plain(pattern(n)), `${n} bytes`);
    }
    assert.deepEqual(plain(await ask(socket, "genNested")), plain([
      { a: [pattern(3), { b: pattern(5), s: "x" }], z: pattern(0), n: null }, pattern(2)]));
  });
  it("binary", "to the server and back, nested", async (open) => {
    const socket = await open("/");
    const value = { list: [pattern(3), { deep: pattern(1000) }], text: "ü", empty: pattern(0) };
    assert.deepEqual(plain(await ask(socket, "echo", value, pattern(70000), 5)), plain([value, pattern(70000), 5]));
    const [{ len, sum, t }] = await ask1(socket, "types", pattern(300));
    assert.deepEqual({ t, len, sum }, { t: "binary", len: 300, sum: pattern(300).reduce((s, b) => (Math.imul(s, 31) + b) >>> 0, 0) });
    const echoed = next(socket, "echo");
    socket.emit("echo", pattern(4), "after");
    assert.deepEqual(plain(await echoed), plain([pattern(4), "after"]));
  });
  if (client.since(3)) it("binary", "ArrayBuffer and typed arrays", async (open) => {
    const socket = await open("/");
    const bytes = new Uint8Array(pattern(9));
    const described = await ask1(socket, "types", bytes.buffer, bytes, Buffer.from(bytes));
    assert.deepEqual(described, Array(3).fill({ t: "binary", len: 9, sum: bytes.reduce((s, b) => (Math.imul(s, 31) + b) >>> 0, 0) }));
  });

  it("acks", "the server asks, the client answers", async (open) => {
    const socket = await open("/");
    socket.on("question", (payload, cb) => cb("answer to", payload));
    assert.deepEqual(await ask(socket, "ask", 5000, { q: 1 }), [null, ["answer to", { q: 1 }]]);
  });
  it("acks", "binary answers", async (open) => {
    const socket = await open("/");
    socket.on("question", (payload, cb) => cb(pattern(10), { p: payload }));
    assert.deepEqual(plain(await ask(socket, "ask", 5000, pattern(3))), plain([null, [pattern(10), { p: pattern(3) }]]));
  });
  it("acks", "no answer is a timeout", async (open) => {
    const socket = await open("/");
    socket.on("question", () => {});
    assert.equal((await ask(socket, "ask", 50, 1))[0], "timeout");
  });
  it("acks", "answered once, or not at all", async (open) => {
    const socket = await open("/");
    const answers = [];
    socket.emit("doubleAck", (a) => answers.push(a));
    socket.emit("noAck", (a) => answers.push(a));
    await ask(socket, "info");
    await pause(20);
    assert.deepEqual(answers, ["one"]);
  });
  it("acks", "many at once, each its own", async (open) => {
    const socket = await open("/");
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => ask1(socket, "echo", i)));
    assert.deepEqual(answers, Array.from({ length: 200 }, (_, i) => i));
  });
  if (client.since(4.6)) it("acks", "emitWithAck and its timeout", async (open) => {
    const socket = await open("/");
    assert.equal(await socket.timeout(stretch(5000)).emitWithAck("echo", "x"), "x");
    await assert.rejects(socket.timeout(50).emitWithAck("noAck"), /timed out/);
  });

  it("order", "a burst from the server, text and binary", async (open) => {
    const socket = await open("/");
    const seq = collect(socket, "seq", 500);
    const seqb = collect(socket, "seqb", 200);
    assert.equal(await ask1(socket, "burst", 500, 10, "t"), 500);
    assert.equal(await ask1(socket, "burstBinary", 200, 64, "b"), 200);
    assert.deepEqual(await seq, Array.from({ length: 500 }, (_, i) => ["t", i, "xxxxxxxxxx"]));
    for (const [i, [tag, bytes]] of (await seqb).entries()) {
      const buffer = Buffer.from(bytes);
      assert.deepEqual([tag, buffer.length, buffer.readUInt32BE()], ["b", 64, i]);
    }
  });
  it("order", "a burst to the server", async (open) => {
    const socket = await open("/");
    for (let i = 0; i < 1000; i++) socket.emit("put", "t", i);
    assert.deepEqual(await ask1(socket, "putReport", "t"), { count: 1000, bad: null });
    socket.emit("put", "t", 1005);
    assert.deepEqual(await ask1(socket, "putReport", "t"), { count: 1001, bad: { want: 1000, got: 1005 } });
    assert.deepEqual(await ask1(socket, "putReport", "other"), { count: 0, bad: null });
  });
  it("order", "volatile events may be dropped, the normal one after them arrives", async (open) => {
    const socket = await open("/");
    const got = [];
    socket.on("v", (i) => got.push(i));
    const end = next(socket, "vend");
    socket.emit("volatileBurst", 300);
    assert.deepEqual(await end, [300]);
    assert.deepEqual(got, got.toSorted((a, b) => a - b));
    assert.equal(new Set(got).size, got.length);
  });

  it("middleware", "a refused packet reaches the error handler", async (open) => {
    const socket = await open("/");
    const told = next(socket, "refused");
    socket.emit("forbidden", 1);
    assert.deepEqual(await told, ["event refused"]);
    assert.equal(await ask1(socket, "echo", "alive"), "alive");
  });
}
