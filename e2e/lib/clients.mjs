// Every client version under test, and one way to use them all.
import { createRequire } from "node:module";
import { stretch } from "./patience.mjs";

const require = createRequire(import.meta.url);
const versions = { "4.8": "4.8.4", "4.0": "4.0.2", "3.1": "3.1.3", "2.5": "2.5.0", "2.0": "2.0.4", "1.7": "1.7.4", "1.4": "1.4.8" };

/** The clients: name ("4.8"), exact version, Engine.IO protocol, and the package's io function. */
export const clients = Object.entries(versions).map(([name, version]) => {
  const io = require(`client-${name}`);
  return { name, version, eio: Number(name) < 3 ? 3 : 4, io: io.io ?? io, since: (v) => Number(name) >= v };
});
export const client48 = clients[0];

/** The ways to connect; "upgrade" starts with polling, and tests begin once WebSocket has taken over. */
export const transports = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};

/** Opens a socket without waiting for anything. Auth travels as the protocol allows: 1.x and 2.x have the query only. */
export function open(client, transport, url, nsp = "/", { auth, query, ...options } = {}) {
  const old = client.eio === 3;
  const asked = old ? { ...query, ...auth } : query;
  // In 1.4 only the address carries a query.
  const pairs = Object.entries(asked ?? {}).map((pair) => pair.map(encodeURIComponent).join("="));
  const search = old && pairs.length ? `?${pairs.join("&")}` : "";
  return client.io(url + (nsp === "/" && search ? "/" : nsp === "/" ? "" : nsp) + search, {
    transports: transports[transport], forceNew: true, reconnection: false, timeout: stretch(20000),
    ...(old ? {} : { auth, query: asked }),
    ...options,
  });
}

/** Opens a socket and waits until it is connected, welcomed (kept in socket.welcome) and, if it shall be, upgraded. */
export async function connect(client, transport, url, nsp, options) {
  const socket = open(client, transport, url, nsp, options);
  try {
    await limited(`connection to ${nsp}`, (resolve, reject) => {
      for (const event of ["connect_error", "error", "connect_timeout"]) {
        socket.once(event, (err) => reject(err instanceof Error ? err : new Error(`${event}: ${JSON.stringify(err)}`)));
      }
      socket.once("welcome", (meta) => { socket.welcome = meta; resolve(); });
    });
    if (transport === "upgrade") await upgraded(socket);
    return socket;
  } catch (err) {
    socket.close();
    throw err;
  }
}

/** Opens a socket that the server must refuse; resolves with {message, data} as the client saw it. */
export function refused(client, transport, url, nsp, options) {
  const socket = open(client, transport, url, nsp, options);
  return new Promise((resolve, reject) => {
    const done = (err) => {
      socket.close();
      // 1.x and 2.x are told the data, or the bare message.
      if (client.eio === 4) resolve({ message: err.message, data: err.data });
      else resolve(typeof err === "string" ? { message: err, data: undefined } : { message: err.message, data: err });
    };
    socket.once("connect_error", done);
    socket.once("error", done);
    // 1.x and 2.x are connected to / before its middleware has spoken; a refusal is what counts there.
    socket.once("welcome", () => { socket.close(); reject(new Error("the server let it in")); });
  });
}

/** Resolves once the engine has upgraded to WebSocket. */
export function upgraded(socket) {
  const { engine } = socket.io;
  return limited("the upgrade", (resolve) => {
    if (engine.transport.name === "websocket") resolve();
    else engine.once("upgrade", resolve);
  });
}

/** Emits and resolves with the ack's arguments. */
export const ask = (socket, event, ...args) =>
  limited(`ack of ${event}`, (resolve) => socket.emit(event, ...args, (...answer) => resolve(answer)));

/** Emits and resolves with the ack's first argument. */
export const ask1 = async (socket, event, ...args) => (await ask(socket, event, ...args))[0];

/** Resolves with the arguments of the socket's next such event. */
export const next = (socket, event) => limited(`event ${event}`, (resolve) => socket.once(event, (...args) => resolve(args)));

/** Resolves with the next n events' arguments. */
export function collect(socket, event, n) {
  const got = [];
  return limited(`${n} × ${event}`, (resolve) => socket.on(event, (...args) => got.push(args) === n && resolve(got)), () => got.length);
}

/** Resolves with the reason once the client says that it is disconnected. */
export const disconnected = (socket) => next(socket, "disconnect").then(([reason]) => reason);

/** A promise with the suites' one generous limit, naming what did not come. */
export function limited(what, start, progress = () => "") {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited ${stretch(20)} s for ${what} ${progress()}`)), stretch(20000));
    start((value) => { clearTimeout(timer); resolve(value); }, (err) => { clearTimeout(timer); reject(err); });
  });
}

/** Polls a condition until it holds. */
export async function until(what, condition) {
  const end = Date.now() + stretch(20000);
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${stretch(20)} s until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A pause, stretched; only for showing that something does NOT happen, or for letting a heartbeat pass. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, stretch(ms)));

/** The bytes of FIXTURE's pattern. */
export const pattern = (n) => Buffer.from(Array.from({ length: n }, (_, i) => (i * 31 + 7) & 255));

/** A value as plain data: every binary form (Buffer, ArrayBuffer, view) becomes {bytes: hex}. */
export function plain(v) {
  if (v instanceof ArrayBuffer) return { bytes: Buffer.from(v).toString("hex") };
  if (ArrayBuffer.isView(v)) return { bytes: Buffer.from(v.buffer, v.byteOffset, v.byteLength).toString("hex") };
  if (Array.isArray(v)) return v.map(plain);
  if (v && typeof v === "object") return Object.fromEntries(Object.entries(v).map(([key, value]) => [key, plain(value)]));
  return v;
}
