// Records what socket.io-msgpack-parser makes of packets, and what it says to bad ones, one JSON line each, for msgpack_test.go:
//
//	npm install --prefix DIR socket.io-msgpack-parser@3.0.2 && NODE_PATH=DIR/node_modules node record-msgpack.cjs > msgpack.jsonl
const { Encoder, Decoder } = require("socket.io-msgpack-parser");

const good = [
  { type: 0, nsp: "/", data: undefined },
  { type: 0, nsp: "/chat", data: { token: "x" } },
  { type: 0, nsp: "/", data: { sid: "abc" } },
  { type: 1, nsp: "/chat" },
  { type: 2, nsp: "/", data: ["hi"] },
  { type: 2, nsp: "/", id: 0, data: ["hi", null, true, 1.5, "é", [], {}, undefined], options: { compress: true } },
  { type: 2, nsp: "/n", id: 5000000000, data: ["bin", Buffer.from([1, 2]), { a: [Buffer.alloc(0)] }, new Uint8Array([7]).buffer] },
  { type: 2, nsp: "/", data: ["nums", 0, -1, 127, 128, -128, 70000, -70000, 4294967296, -4294967297, 9007199254740991, 0.1] /* from 2^64 on notepack.io writes other numbers */ },
  { type: 2, nsp: "/", data: ["date", new Date(86400000), { d: new Date(-1) }] },
  { type: 2, nsp: "/", data: [12, "number as a name"] },
  { type: 3, nsp: "/", id: 7, data: [] },
  { type: 3, nsp: "/", id: 7, data: ["x".repeat(300), Array.from({ length: 20 }, (_, i) => i)] },
  { type: 4, nsp: "/", data: { message: "no", data: { code: 1 } } },
  { type: 4, nsp: "/", data: "bare" },
];
const bad = [
  { type: 5, nsp: "/", data: ["a"] }, { type: -1, nsp: "/" }, { type: "2", nsp: "/", data: ["a"] }, { type: 2.5, nsp: "/", data: ["a"] }, { nsp: "/", data: ["a"] }, { type: 2, data: ["a"] },
  { type: 2, nsp: 1, data: ["a"] }, { type: 2, nsp: "/", data: {} }, { type: 2, nsp: "/" }, { type: 3, nsp: "/", id: 1 }, { type: 0, nsp: "/", data: [] }, { type: 0, nsp: "/", data: null },
  { type: 0, nsp: "/", data: "x" }, { type: 1, nsp: "/", data: {} }, { type: 4, nsp: "/" }, { type: 4, nsp: "/", data: [] }, { type: 2, nsp: "/", id: "1", data: ["a"] },
  { type: 2, nsp: "/", id: 1.5, data: ["a"] }, { type: 2, nsp: "/", id: null, data: ["a"] }, [], "text", 5, { type: null, nsp: "/" },
];

const plain = (v) =>
  v instanceof Date ? { $date: v.toISOString() }
  : Buffer.isBuffer(v) || v instanceof ArrayBuffer ? { $hex: Buffer.from(v).toString("hex") }
  : Array.isArray(v) ? v.map((x) => plain(x) ?? null)
  : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]))
  : v;

for (const packet of [...good, ...bad]) {
  const [encoded] = new Encoder().encode(packet);
  let error = null;
  const decoder = new Decoder();
  try {
    decoder.add(encoded);
  } catch (e) {
    error = e.message;
  }
  console.log(JSON.stringify({ packet: plain(packet), hex: encoded.toString("hex"), error }));
}
