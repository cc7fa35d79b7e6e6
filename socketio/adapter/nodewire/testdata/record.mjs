// Records what Node's adapters publish, and how they read it themselves, one JSON line each, for node_test.go:
//
//	node record.mjs > node.jsonl
import { Emitter, addSocket, decoders, encoders, kinds, plain, settled, start } from "./node.mjs";

const namespaces = ["/", "/chat", "/a#b"];

// read is how Node itself reads a message: what is expected of others.
function read(adapter, { hex, entry }) {
  if (entry) return { uid: entry.uid, nsp: entry.nsp, type: parseInt(entry.type, 10), data: entry.data && (entry.data.startsWith("{") ? JSON.parse(entry.data) : decoders.streams(Buffer.from(entry.data, "base64"))) };
  const bytes = Buffer.from(hex, "hex");
  return bytes[0] === 0x7b ? JSON.parse(bytes) : decoders[adapter](bytes);
}

// What is large is recorded once.
const small = (v) => !(v?.length > 60_000);

const print = (adapter, call, message) => console.log(JSON.stringify({ adapter, call, ...message, read: plain(read(adapter, message)) }));

for (const adapter of ["classic", "sharded", "streams"]) {
  const { io, redis } = start(adapter, namespaces);
  await settled();
  const flush = (call) => {
    for (const m of redis.sent.splice(0)) print(adapter, call, m);
  };
  const done = async (call) => { await settled(); flush(call); };

  for (const [kind, args] of Object.entries(kinds)) {
    io.emit("gen", ...(adapter === "classic" ? args : args.filter(small)));
    await done(`emit ${kind}`);
    io.serverSideEmit("note", ...args.filter(small));
    await done(`serverSideEmit ${kind}`);
  }
  for (const ns of namespaces) {
    const nsp = io.of(ns);
    nsp.to("a").emit("x", 1);
    nsp.to(["a", "b#c"]).except("d").emit("x", 1);
    nsp.to("日本 #").volatile.compress(false).emit("x", Buffer.from("y"));
    nsp.to(5).emit("a room that is a number");
    nsp.emit(12, "a name that is a number");
    nsp.except("e").emit("x");
    nsp.timeout(1000).emit("ask", { b: Buffer.from("z") }, () => {});
    nsp.to("a").timeout(1500).emit("ask", () => {});
    nsp.in(["a", "b"]).except("c").socketsJoin(["d", "e"]);
    nsp.socketsLeave("d");
    nsp.in("a").disconnectSockets(true);
    nsp.disconnectSockets();
    nsp.in("a").fetchSockets().catch(() => {});
    nsp.serverSideEmit("question", 1, () => {});
    if (adapter === "classic") nsp.adapter.allRooms().catch(() => {});
    await done(`all kinds ${ns}`);
  }

  // What it answers.
  const chat = io.of("/chat");
  addSocket(chat, "socket-id-of-20-chars", ["a", "b#c"], { when: new Date(86400000), n: 1.5, deep: [{}], none: undefined });
  const socket = addSocket(chat, "another-id-20-chars-x", ["a"], adapter === "classic" ? {} : { b: Buffer.from("bin") });
  chat.on("question", (arg, cb) => cb(arg));
  const ask = async (call, message) => { await redis.give(message); await done(call); };
  const answers = [1, "é", { a: [new Date(0)] }, null, undefined, Buffer.from("bin")];
  if (adapter === "classic") {
    const to = (o) => ({ channel: "socket.io-request#/chat#", hex: Buffer.from(JSON.stringify({ uid: "other1", requestId: "req123", ...o })).toString("hex") });
    await ask("answer to ids", to({ type: 0, rooms: ["a"] }));
    await ask("answer to ids, none", to({ type: 0, rooms: ["nobody"] }));
    await ask("answer to rooms", to({ type: 1 }));
    await ask("answer to fetch", to({ type: 5, opts: { rooms: ["a"], except: [] } }));
    await ask("answer to fetch, none", to({ type: 5, opts: { rooms: ["nobody"], except: [] } }));
    await ask("answer of a server", to({ type: 6, data: ["question", { a: [1, null] }] }));
    await ask("count", to({ type: 7, packet: { type: 2, data: ["x"], nsp: "/chat" }, opts: { rooms: [], except: ["socket-id-of-20-chars"] } }));
  } else {
    const bytes = (o) => Buffer.from(JSON.stringify({ uid: "0123456789abcdef", nsp: "/chat", ...o }));
    const encode = (o) => adapter === "streams" ? Buffer.from(encoders.streams(JSON.parse(bytes(o)))) : bytes(o);
    const to = (o) => ({ channel: "socket.io#/chat#", hex: encode(o).toString("hex") });
    await ask("answer to fetch", to({ type: 7, data: { requestId: "fedcba9876543210", opts: { rooms: ["a"], except: [] } } }));
    await ask("answer of a server", to({ type: 9, data: { requestId: "fedcba9876543210", packet: ["question", { a: [1, null] }] } }));
    await ask("count", to({ type: 3, data: { requestId: "fedcba9876543210", packet: { type: 2, data: ["x"], nsp: "/chat" }, opts: { rooms: [], except: ["socket-id-of-20-chars"] } } }));
  }
  const [id] = socket.acks.keys();
  for (const [i, a] of answers.entries()) {
    socket.acks.get(id)(a);
    await done(`ack ${i}`);
  }
}

// The emitter.
const sent = [];
const emitter = new Emitter({ publish: (channel, m) => sent.push({ channel, hex: Buffer.from(m).toString("hex") }) });
for (const e of [emitter, emitter.of("/chat")]) {
  e.emit("x", 1, Buffer.from("bin"), new Date(0));
  e.to("a").except("b").volatile.compress(false).emit("x");
  e.in(["a", "b"]).socketsJoin("c");
  e.socketsLeave(["c", "d"]);
  e.disconnectSockets(true);
  e.serverSideEmit("note", { a: 1 });
}
for (const m of sent) print("classic", "emitter", m);
process.exit();
