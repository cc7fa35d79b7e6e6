import { Server } from "socket.io";
import { stretch } from "../lib/patience.mjs";

/** Profile protocol: the Socket.IO protocol alone. */
export function protocolProfile(http) {
  const io = new Server(http, {
    serveClient: false, pingInterval: stretch(300), pingTimeout: stretch(200), maxHttpBufferSize: 1e6, connectTimeout: stretch(1000), cors: { origin: "*" },
  });
  for (const name of ["/", "/custom"]) {
    io.of(name).on("connection", (socket) => {
      socket.emit("auth", socket.handshake.auth);
      socket.on("message", (...a) => socket.emit("message-back", ...a));
      socket.on("message-with-ack", (...a) => a.pop()(...a));
    });
  }
  return io;
}

/** Profile client: what the official client's own tests ask for. */
export function clientProfile(http) {
  const io = new Server(http, {
    serveClient: false, pingInterval: stretch(2000), connectionStateRecovery: {}, cors: { origin: "*" },
    allowRequest: (_, fn) => setTimeout(() => fn(null, true), 10),
  });
  io.use((socket, next) => next(socket.handshake.query.fail ? new Error("Auth failed (main namespace)") : undefined));
  io.of("/no").use((_, next) => next(new Error("Auth failed (custom namespace)")));
  io.of("/foo").on("connection", (socket) => socket.on("getId", (cb) => cb(socket.id)));
  io.of("/abc").on("connection", (socket) => socket.emit("handshake", socket.handshake));
  for (const name of ["/timeout_socket", "/valid", "/asd"]) io.of(name);

  io.on("connection", (socket) => {
    const bytes = Buffer.from("asdfasdf");
    const seen = new Set();
    socket.on("hi", () => socket.emit("hi"));
    socket.on("echo", (arg, cb) => cb(arg));
    socket.on("getId", (cb) => cb(socket.id));
    socket.on("getHandshake", (cb) => cb(socket.handshake));
    socket.on("ack", () => socket.emit("ack", (a, b) => a === 5 && b?.test === true && socket.emit("got it")));
    socket.on("getAckDate", (_, cb) => cb(new Date()));
    socket.on("getDate", () => socket.emit("takeDate", new Date()));
    socket.on("getDateObj", () => socket.emit("takeDateObj", { date: new Date() }));
    socket.on("getUtf8", () => {
      for (const text of ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"]) socket.emit("takeUtf8", text);
    });
    socket.on("false", () => socket.emit("false", false));
    socket.on("doge", () => socket.emit("doge", bytes));
    socket.on("getbin", () => socket.emit("takebin", bytes));
    socket.on("buffa", (b) => Buffer.isBuffer(b) && socket.emit("buffack"));
    socket.on("jsonbuff", ({ hello, message, goodbye }) =>
      hello === "lol" && Buffer.isBuffer(message) && goodbye === "gotcha" && socket.emit("jsonbuff-ack"));
    socket.on("abuff1", (b) => Buffer.isBuffer(b) && seen.add("abuff1"));
    socket.on("abuff2", () => seen.has("abuff1") && socket.emit("abuff2-ack"));
    socket.on("blob", (b) => Buffer.isBuffer(b) && socket.emit("back"));
    socket.on("jsonblob", ({ message }) => Buffer.isBuffer(message) && socket.emit("jsonblob-ack"));
    socket.on("blob1", (b) => Buffer.isBuffer(b) && seen.add("blob1"));
    socket.on("blob2", (text) => seen.has("blob1") && text === "second" && seen.add("blob2"));
    socket.on("blob3", (b) => seen.has("blob2") && Buffer.isBuffer(b) && socket.emit("blob3-ack"));
  });
  return io;
}
