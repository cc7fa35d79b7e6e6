import { stretch } from "../lib/patience.mjs";

import { registerCluster } from "./cluster.mjs";
import { describe, pattern } from "./values.mjs";

/** Registers what every namespace of the profiles main, strict and recovery does. */
export function register(nsp, { stats, reasons }) {
  nsp.on("connection", (socket) => {
    const space = socket.nsp; // nsp may be the parent of a dynamic one
    const meta = () => ({
      id: socket.id, nsp: space.name, eio: socket.conn.protocol, connId: socket.conn.id,
      transport: socket.conn.transport.name, auth: socket.handshake.auth, query: socket.handshake.query,
      recovered: socket.recovered, rooms: rooms(), data: socket.data,
      header: socket.handshake.headers["x-test"] ?? null, origin: socket.handshake.headers.origin ?? null,
      url: socket.handshake.url,
    });
    const rooms = () => [...socket.rooms].sort();
    const target = (o) => {
      let to = o.via === "socket" ? socket.broadcast : space;
      if (o.volatile) to = to.volatile;
      if (o.local) to = to.local;
      if (o.rooms?.length) to = to.to(o.rooms);
      if (o.except?.length) to = to.except(o.except);
      return to;
    };
    const on = (event, handler) => socket.on(event, handler);

    socket.on("disconnect", (reason) => reasons.set(socket.id, reason));
    socket.use(([event], next) => next(event === "forbidden" ? new Error("event refused") : undefined));
    socket.on("error", (err) => socket.emit("refused", err.message));

    on("info", (cb) => cb(meta()));
    on("stats", (cb) => cb(stats()));
    on("setData", (k, v, cb) => { socket.data[k] = v; cb(); });
    on("echo", (...a) => (typeof a.at(-1) === "function" ? a.pop()(...a) : socket.emit("echo", ...a)));
    on("echoBack", (...a) => socket.emit("echoBack", ...a));
    on("types", (...a) => { if (typeof a.at(-1) === "function") a.pop()(a.map(describe)); });
    on("genBinary", (n, cb) => cb(pattern(n)));
    on("genNested", (cb) => cb({ a: [pattern(3), { b: pattern(5), s: "x" }], z: pattern(0), n: null }, pattern(2)));
    on("genStrings", (cb) => cb(["", "plain", "é", "日本語", "😀👨‍👩‍👧‍👦", "\u2028\u2029", "\u0000\u0001\u001f",
      '\\"/\b\f\n\r\t', "\ufeffbom", "\u001e", "0:", "b64"]));
    on("genTypes", (cb) => cb(null, true, false, 0, -1, 1.5, 9007199254740991, 1e21, "", [], {}, [[]], { a: { b: [null] } }));
    on("genDate", (cb) => cb(new Date(86400000), { d: new Date(0) }));
    on("pushEvent", (ev, ...a) => socket.emit(ev, ...a));
    on("ask", (ms, payload, cb) => socket.timeout(ms).emit("question", payload, (err, ...a) => cb(err ? "timeout" : null, a)));
    on("join", (room, cb) => { socket.join(room); cb(rooms()); });
    on("leave", (room, cb) => { socket.leave(room); cb(rooms()); });
    on("relay", (o, ev, ...a) => target(o).emit(ev, ...a));
    on("relayAck", (o, ev, payload, cb) =>
      target(o).timeout(o.timeout).emit(ev, payload, (err, answers) => cb(err ? "timeout" : null, answers)));
    on("fetch", async (room, cb) => {
      try {
        cb((await (room ? space.in(room) : space).fetchSockets()).map((s) => s.id).sort());
      } catch (err) {
        cb(`error: ${err.message}`);
      }
    });
    on("socketsJoin", (from, to, cb) => { space.in(from).socketsJoin(to); setTimeout(cb, 20); });
    on("socketsLeave", (from, to, cb) => { space.in(from).socketsLeave(to); setTimeout(cb, 20); });
    on("kick", (room, close) => space.in(room).disconnectSockets(close));
    on("burst", (n, pad, tag, cb) => {
      for (let i = 0; i < n; i++) socket.emit("seq", tag, i, "x".repeat(pad));
      cb?.(n);
    });
    on("burstBinary", (n, size, tag, cb) => {
      for (let i = 0; i < n; i++) {
        const b = Buffer.alloc(size);
        b.writeUInt32BE(i);
        socket.emit("seqb", tag, b);
      }
      cb?.(n);
    });
    const tags = new Map();
    on("put", (tag, i) => {
      const t = tags.get(tag) ?? { count: 0, next: 0, bad: null };
      if (i !== t.next) t.bad ??= { want: t.next, got: i };
      tags.set(tag, { count: t.count + 1, next: i + 1, bad: t.bad });
    });
    on("putReport", (tag, cb) => {
      const { count = 0, bad = null } = tags.get(tag) ?? {};
      cb({ count, bad });
    });
    on("volatileBurst", (n) => {
      for (let i = 0; i < n; i++) socket.volatile.emit("v", i);
      socket.emit("vend", n);
    });
    on("bye", (close) => socket.disconnect(close));
    on("dropTransport", () => socket.conn.close());
    on("dropTransportAfterAck", (cb) => { cb(); setTimeout(() => socket.conn.close(), 30); });
    on("reasonOf", async (id, cb) => {
      const until = Date.now() + stretch(3000);
      while (!reasons.has(id) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
      cb(reasons.get(id) ?? null);
    });
    on("doubleAck", (cb) => { cb("one"); cb("two"); });
    on("noAck", () => {});

    registerCluster(socket, space, target);

    socket.emit("welcome", meta());
  });
}
