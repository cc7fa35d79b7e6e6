import { Server } from "socket.io";
import * as msgpack from "socket.io-msgpack-parser";
import { account, clusterOptions, clusterStats } from "./cluster.mjs";
import { register } from "./handlers.mjs";
import { stretch } from "../lib/patience.mjs";

const shared = {
  pingInterval: stretch(4000), pingTimeout: stretch(3000), upgradeTimeout: stretch(1000), connectTimeout: stretch(1000), maxHttpBufferSize: 4e6,
  allowEIO3: true,
  cookie: { name: "io", httpOnly: true, path: "/", sameSite: "lax" },
  cors: {
    origin: ["http://allowed.example", /\.trusted\.example$/], credentials: true, methods: ["GET", "POST"],
    allowedHeaders: ["x-custom", "content-type"], maxAge: 600,
  },
};
const options = {
  main: shared,
  strict: {
    pingInterval: stretch(400), pingTimeout: stretch(800), upgradeTimeout: stretch(300), connectTimeout: stretch(300), maxHttpBufferSize: 1000,
    cors: { origin: "*" },
  },
  recovery: { ...shared, allowEIO3: false, connectionStateRecovery: { maxDisconnectionDuration: Number(process.env.RECOVERY_WINDOW) || stretch(2000), skipMiddlewares: true } },
  msgpack: { ...shared, parser: msgpack },
  jsonp: shared,
  deflate: { ...shared, perMessageDeflate: { threshold: 0 } },
};

const refusal = (message, data) => Object.assign(new Error(message), data && { data });
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Profiles main, strict and recovery, and ours for other parsers and transports. */
export async function mainProfile(http, profile) {
  const io = new Server(http, { serveClient: false, transports: ["polling", "websocket"], ...options[profile], ...(await clusterOptions()) });
  const stats = () => ({
    clients: io.engine.clientsCount,
    namespaces: Object.fromEntries([...io._nsps].map(([name, nsp]) => [name, nsp.sockets.size])),
    ...clusterStats(io),
  });
  const reasons = new Map();
  const open = (nsp) => register(nsp, { stats, reasons });
  const given = (socket, key) => socket.handshake.auth?.[key] ?? socket.handshake.query[key];

  open(io.of("/").use(async (socket, next) => {
    if (given(socket, "deny")) return next(refusal("not allowed", { code: "E_DENY", details: { retry: false } }));
    if (given(socket, "denyPlain")) return next(refusal("plain refusal"));
    if (given(socket, "delay")) await wait(Number(given(socket, "delay")));
    next();
  }));
  open(io.of("/chat"));
  open(io.of("/auth").use((socket, next) =>
    next(given(socket, "token") === "s3cret" ? undefined : refusal("unauthorized", { status: 401 }))));
  open(io.of(/^\/dyn-\d+$/));
  // Node asks the function only until the namespace exists; the middleware asks again for every socket.
  const tenant = (name, auth) => name.startsWith("/tenant/") && auth.tenant === name.slice("/tenant/".length);
  open(io.of((name, auth, next) => next(null, tenant(name, auth))).use((socket, next) =>
    next(tenant(socket.nsp.name, socket.handshake.auth) ? undefined : refusal("Invalid namespace"))));
  open(io.of("/slow").use(async (_, next) => { await wait(150); next(); }));
  return { stats, account, close: () => io.close() };
}
