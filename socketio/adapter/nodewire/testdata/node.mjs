// Node's adapters as they are, on a Redis that is not there: what they publish is kept, what they are told is done to nobody but written down.
import { createRequire } from "node:module";
const require = createRequire(new URL("../../../../e2e/package.json", import.meta.url));
const { Namespace, Server } = require("socket.io");
const { Adapter } = require("socket.io-adapter");
const classic = require("@socket.io/redis-adapter");
const streams = require("@socket.io/redis-streams-adapter");
export const { Emitter } = require("@socket.io/redis-emitter");
const notepack = createRequire(require.resolve("@socket.io/redis-adapter"))("notepack.io");
const msgpack = require("@msgpack/msgpack");

export const decoders = { classic: notepack.decode, sharded: notepack.decode, streams: msgpack.decode };
export const encoders = { streams: msgpack.encode };

// A Redis keeps what is published, and hands to subscribers what it is given.
class Redis {
  sent = [];
  listeners = new Map(); // channel → function
  patterns = new Map();
  nodes = 2;
  #entries = null;
  on() {}
  off() {}
  async connect() {}
  disconnect() {}
  duplicate() { return this; }
  pSubscribe(pattern, f) { this.patterns.set(pattern.slice(0, -1), f); }
  subscribe(channels, f) { for (const c of [channels].flat()) this.listeners.set(c, f); }
  sSubscribe(channel, f) { this.listeners.set(channel, f); }
  async publish(channel, message) { this.sent.push({ channel, hex: Buffer.from(message).toString("hex") }); }
  async sPublish(channel, message) { return this.publish(channel, message); }
  async sendCommand(command) { return command[0] === "PUBSUB" ? [command[2], this.nodes] : null; }
  async xAdd(stream, id, entry) { this.sent.push({ stream, entry: { ...entry } }); return "1-1"; }
  xRead() { return new Promise((resolve) => { this.#entries = resolve; }); }
  // give has subscribers told of a message: to a channel, or as an entry of the stream.
  async give({ channel, hex, entry }) {
    if (entry) {
      while (!this.#entries) await settled();
      const resolve = this.#entries;
      this.#entries = null;
      resolve([{ messages: [{ id: "1-2", message: entry }] }]);
    } else {
      const message = Buffer.from(hex, "hex");
      this.listeners.get(channel)?.(message, Buffer.from(channel));
      for (const [prefix, f] of this.patterns) if (channel.startsWith(prefix)) f(message, Buffer.from(channel));
    }
    await settled();
  }
}

export const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

// start returns a server of socket.io with one of the adapters.
export function start(adapter, namespaces) {
  const redis = new Redis(), io = new Server();
  io.adapter({ classic: () => classic.createAdapter(redis, redis), sharded: () => classic.createShardedAdapter(redis, redis), streams: () => streams.createAdapter(redis) }[adapter]());
  for (const ns of namespaces) io.of(ns);
  return { io, redis };
}

// addSocket makes a namespace believe that it has a socket.
export function addSocket(nsp, id, rooms, data) {
  const socket = {
    id, data, rooms: new Set([id, ...rooms]), acks: new Map(), notifyOutgoingListeners() {}, client: { writeToEngine() {} },
    handshake: { headers: { "x-test": "é" }, time: "Sat Nov 28 2026", address: "::1", xdomain: false, secure: false, issued: 1795000000000, url: "/socket.io/?EIO=4", query: { EIO: "4" }, auth: { token: "t" } },
  };
  nsp.sockets.set(id, socket);
  nsp.adapter.addAll(id, socket.rooms);
  return socket;
}

// spy replaces what adapters do to local sockets, and to servers' listeners, by notes of it.
export function spy(notes) {
  const set = (s) => [...(s ?? [])];
  const opts = (o) => ({ rooms: set(o.rooms), except: set(o.except), ...(o.flags ? { flags: o.flags } : {}) });
  const noted = (kind, f) => function (...args) {
    notes.push({ kind, ns: this.nsp.name, ...f(...args) });
    return kind === "fetch" ? Promise.resolve([]) : undefined;
  };
  const event = ({ type, nsp, data }) => ({ type, nsp, data });
  Object.assign(Adapter.prototype, {
    broadcast: noted("broadcast", (packet, o) => ({ packet: event(packet), opts: opts(o) })),
    broadcastWithAck: noted("broadcast with ack", (packet, o) => ({ packet: event(packet), opts: opts(o) })),
    addSockets: noted("join", (o, rooms) => ({ opts: opts(o), rooms })),
    delSockets: noted("leave", (o, rooms) => ({ opts: opts(o), rooms })),
    disconnectSockets: noted("disconnect", (o, close) => ({ opts: opts(o), close })),
    fetchSockets: noted("fetch", (o) => ({ opts: opts(o) })),
  });
  Namespace.prototype._onServerSideEmit = function (args) {
    const ack = typeof args.at(-1) === "function";
    notes.push({ kind: "server-side emit", ns: this.name, args: ack ? args.slice(0, -1) : args, ack });
  };
  classic.RedisAdapter.prototype.hasRoom = () => true; // else it would not look at what is for a room
}

// expect makes an adapter wait for answers to a question, which are noted.
export function expect(notes, kind, adapter, requestId) {
  const note = (...values) => notes.push({ kind, values });
  const list = { push: (v) => note(v), length: 0 };
  if (kind === "client count" || kind === "client ack") {
    adapter.ackRequests.set(requestId, { clientCountCallback: note, ack: note });
  } else if (kind === "fetch answer") {
    const sockets = [];
    const all = { push: (s) => { if (sockets.push(s) === 1) notes.push({ kind, values: sockets }); } };
    adapter.requests.set(requestId, { type: 5, msgCount: 0, numSub: 9, current: 0, expected: 9, sockets: all, responses: all });
  } else {
    adapter.requests.set(requestId, { type: 6, numSub: 9, current: 0, expected: 9, responses: list });
  }
}

// plain is a value as a client sees it, binaries as {$$hex}.
export function plain(v) {
  if (v === undefined || typeof v === "number" && !Number.isFinite(v)) return null;
  if (v instanceof Date) return v.toISOString();
  if (v instanceof ArrayBuffer || ArrayBuffer.isView(v)) return { $$hex: (Buffer.isBuffer(v) ? v : v instanceof ArrayBuffer ? Buffer.from(v) : Buffer.from(v.buffer, v.byteOffset, v.byteLength)).toString("hex") };
  if (Array.isArray(v)) return v.map(plain);
  if (v && typeof v === "object") return Object.fromEntries(Object.entries(v).filter(([, x]) => x !== undefined).map(([k, x]) => [k, plain(x)]));
  return v;
}

const pattern = (n) => Buffer.from(Array.from({ length: n }, (_, i) => (i * 7 + 3) & 255));
const nested = (depth) => { let v = "end"; for (let i = 0; i < depth; i++) v = i % 2 ? [v] : { d: v }; return v; };

// kinds are arguments of all sorts.
export const kinds = {
  types: [null, true, false, 0, -1, 1.5, 9007199254740991, "", [], {}, [[]], { a: { b: [null] } }],
  date: [new Date(86400000), { d: new Date(0), e: [new Date(1700000000123)], f: new Date(-1), g: new Date(253402300800000), h: new Date(-8640000000000000) }],
  undefined: [undefined, { a: undefined, b: 1 }, [undefined, 2]],
  notNumbers: [NaN, Infinity, -Infinity, -0],
  integers: [127, 128, 255, 256, 32767, 65535, 65536, 2147483647, 2147483648, 4294967295, 4294967296, 4294967297, 9007199254740991, -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, -4294967296, -9007199254740991],
  floats: [0.1, -0.1, 1.5e-7, 5e-324, 3.5, 16777217.5, -123456789.125, 4503599627370495.5],
  huge: [1e21, 1e300, 18446744073709551616, 9223372036854775808, -1e21],
  strings: [["", "plain", "é", "日本語", "😀", "\u0000\u001f\u007f", "\u2028\u2029", 'quo"te', "back\\slash", "</script>", "\ud800", "\udc00x", "a\udc00\ud800"], ...[31, 32, 255, 256, 65536].map((n) => "x".repeat(n))],
  nested: [{ a: [pattern(3), { b: pattern(5), s: "x" }], z: pattern(0), n: null }, pattern(2)],
  binary: [0, 1, 255, 256, 65535, 65536].map(pattern),
  views: [new Uint8Array([1, 2]).buffer, new Uint8Array([3, 4, 5]), new Uint8Array([0]).buffer, { v: new Uint8Array(16).buffer }],
  keys: [{ "": 1, é: 2, "a b": 3, 1: 4, 日本: { "😀": [] } }, { type: "Buffer", data: [1, 2, 3] }, { _placeholder: true, num: 0 }, { $bin: "00" }, ["{", "}", '42["x"]']],
  placeholders: [{ _placeholder: true, num: 7 }, { _placeholder: false, num: 0 }, { _placeholder: true }, [{ num: 0, _placeholder: true, more: [] }]],
  proto: [JSON.parse('{"constructor":1,"toString":2,"length":3}')],
  deep: [nested(60)],
  wide: [Array.from({ length: 1000 }, (_, i) => i), Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))],
  many: Array.from({ length: 20 }, (_, i) => i),
  none: [],
};
