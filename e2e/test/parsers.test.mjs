// The MessagePack parser of socket.io-msgpack-parser, and compressed WebSocket messages.
import { after } from "node:test";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { startServer, underTest } from "../lib/server.mjs";
import { rawSocket } from "../lib/raw.mjs";
import { cell, crossed } from "../lib/cell.mjs";
import { ask, ask1, clients, collect, connect, next, pattern, plain, refused, transports } from "../lib/clients.mjs";

const msgpack = createRequire(import.meta.url)("socket.io-msgpack-parser");
const packed = await startServer("msgpack");
const deflating = await startServer("deflate");
after(async () => { await packed.stop(); await deflating.stop(); });

for (const client of clients.filter(({ eio }) => eio === 4)) for (const transport of Object.keys(transports)) {
  const it = (title, body) => crossed(client, transport, "msgpack", title, (use) => body(async (nsp) =>
    use(await connect(client, transport, packed.url, nsp, { parser: msgpack }))));

  it("values of every type, there and back", async (open) => {
    const socket = await open("/");
    const types = [null, true, false, 0, -1, 1.5, 9007199254740991, -9007199254740991, 2 ** 32, "", "é😀", [], {}, [[]], { a: { b: [null] } }];
    assert.deepEqual(await ask(socket, "echo", ...types), types);
    // JavaScript's encoder spoils integers of more than 64 bits.
    if (underTest === "sockeye") assert.deepEqual(await ask(socket, "genTypes"), [null, true, false, 0, -1, 1.5, 9007199254740991, 1e21, "", [], {}, [[]], { a: { b: [null] } }]);
    assert.deepEqual(await ask1(socket, "types", [1, "x"], true), [
      { t: "array", v: [{ t: "number", v: 1 }, { t: "string", hex: "78" }] }, { t: "bool", v: true }]);
  });
  it("binary", async (open) => {
    const socket = await open("/");
    assert.deepEqual(plain(await ask(socket, "genNested")), plain([
      { a: [pattern(3), { b: pattern(5), s: "x" }], z: pattern(0), n: null }, pattern(2)]));
    const value = { list: [pattern(3), { deep: pattern(70000) }], empty: pattern(0) };
    assert.deepEqual(plain(await ask(socket, "echo", value)), plain([value]));
  });
  it("acks of the client, namespaces, refusals", async (open) => {
    const socket = await open("/chat");
    socket.on("question", (payload, cb) => cb("answer", payload));
    assert.deepEqual(await ask(socket, "ask", 5000, { q: pattern(2) }).then(plain), plain([null, ["answer", { q: pattern(2) }]]));
    assert.deepEqual(await refused(client, transport, packed.url, "/auth", { parser: msgpack }), { message: "unauthorized", data: { status: 401 } });
  });
  it("order", async (open) => {
    const socket = await open("/");
    const seq = collect(socket, "seq", 300);
    socket.emit("burst", 300, 10, "t");
    assert.deepEqual((await seq).map(([, i]) => i), Array.from({ length: 300 }, (_, i) => i));
    for (let i = 0; i < 300; i++) socket.emit("put", "t", i);
    assert.deepEqual(await ask1(socket, "putReport", "t"), { count: 300, bad: null });
  });
}

cell("raw", "websocket", "deflate", "is agreed on, and used", async (use) => {
  const s = use(rawSocket(`${deflating.url}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: true }));
  await s.next();
  assert.match(s.socket.extensions, /permessage-deflate/);
  s.send("40");
  while (!(await s.next()).includes("welcome"));
  const text = "compress me ".repeat(10000);
  s.send(`421["echo",${JSON.stringify(text)}]`);
  const before = s.socket._socket.bytesRead;
  assert.equal(await s.next(), `431[${JSON.stringify(text)}]`);
  assert.ok(s.socket._socket.bytesRead - before < 5000, "it was not compressed");
});
for (const bits of [9, 10, 14, 15]) cell("raw", "websocket", "deflate", `a client that keeps a window of ${bits} bits can read all`, async (use) => {
  // ws reads with a window of that size: what refers to something before it fails.
  const s = use(rawSocket(`${deflating.url}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: { serverMaxWindowBits: bits, clientMaxWindowBits: bits } }));
  await s.next();
  assert.match(s.socket.extensions, /permessage-deflate/);
  s.send("40");
  while (!(await s.next()).includes("welcome"));
  // It repeats itself after 20,000 characters only: further back than zlib's output reaches, which it would look at, too.
  const block = Array.from({ length: 5000 }, (_, i) => (i * i * 7919 % 1679615).toString(36).padStart(4, "0")).join("");
  for (const n of [10, 2 ** bits - 40, 2 ** bits, 2 ** bits + 1, 70_000]) {
    const text = block.repeat(n / block.length + 1).slice(0, n);
    s.send(`421["echo",${JSON.stringify(text)}]`);
    assert.equal(await s.next(), `431[${JSON.stringify(text)}]`);
  }
});
cell("raw", "websocket", "deflate", "a bomb is stopped at the limit", async (use) => {
  const s = use(rawSocket(`${deflating.url}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: true }));
  await s.next();
  s.send("40");
  s.send(`42["echo","${"x".repeat(5000000)}"]`);
  assert.equal((await s.closed).code, 1009);
});
for (const client of clients) cell(client, "websocket", "deflate", "messages of every size", async (use) => {
  const socket = use(await connect(client, "websocket", deflating.url, "/", { perMessageDeflate: true }));
  for (const n of [0, 1, 100, 1000, 100000]) assert.equal(await ask1(socket, "echo", "ü€x".repeat(n)), "ü€x".repeat(n));
  assert.deepEqual(plain(await ask1(socket, "genBinary", 5000)), plain(pattern(5000)));
  const echoed = next(socket, "echo");
  socket.emit("echo", pattern(200000));
  assert.deepEqual(plain(await echoed), plain([pattern(200000)]));
});
