// The reference in a cluster: CLUSTER, CLUSTER_PREFIX and NODE as the fixture has them, with the official adapters.
import { createAdapter as postgres } from "@socket.io/postgres-adapter";
import { createAdapter as classic, createShardedAdapter as sharded } from "@socket.io/redis-adapter";
import { createAdapter as streams } from "@socket.io/redis-streams-adapter";
import pg from "pg";
import { createClient, createCluster } from "redis";
import { pattern } from "./values.mjs";

const url = process.env.CLUSTER;
const prefix = process.env.CLUSTER_PREFIX || "socket.io";
const node = process.env.NODE ?? "";
const [scheme, rest] = (url ?? "").split("://");
const backend = url && { redis: "redis", "redis+streams": "streams", "redis+sharded": "sharded", postgres: "postgres" }[scheme];
if (url && !backend) {
  console.error(`there is no backend ${scheme}:// here`);
  process.exit(1);
}
const [hosts, query] = (rest ?? "").split("?");
const servers = hosts.split(",").map((host) => `redis://${host}`); // several are those of a Redis Cluster
const mode = new URLSearchParams(query).get("subscribe") ?? undefined;

let redis = null;
let received = 0;
let pool = null;
let answers = false; // of PostgreSQL, some moments ago

async function client() {
  const socket = { reconnectStrategy: 200 };
  const one = servers.length > 1
    ? createCluster({ rootNodes: servers.map((server) => ({ url: server })), defaults: { socket } })
    : createClient({ url: servers[0], socket });
  one.on("error", () => {}); // it tries again
  await one.connect();
  return counting(one);
}

/** Counts what comes by subscriptions. */
function counting(one) {
  for (const method of ["subscribe", "pSubscribe", "sSubscribe"]) {
    const subscribe = one[method]?.bind(one);
    if (subscribe) one[method] = (channels, take, ...rest) => subscribe(channels, (...said) => { received++; take(...said); }, ...rest);
  }
  return one;
}

/** What has come from the others, and from this one where it comes back. */
export const account = () => ({ received });

/** What the server's options need for the cluster, once connected. */
export async function clusterOptions() {
  if (!backend) return {};
  if (backend === "postgres") {
    // One connection listens. With one other the order of what is sent is kept, but for what goes through the table.
    pool = new pg.Pool({ connectionString: url, max: 2 });
    pool.on("error", () => {}); // it connects again
    pool.on("connect", (one) => one.on("error", () => {}));
    await pool.query("CREATE TABLE IF NOT EXISTS socket_io_attachments (id bigserial UNIQUE, created_at timestamptz DEFAULT NOW(), payload bytea)").catch(() => {});
    const [heartbeatInterval, heartbeatTimeout] = (process.env.CLUSTER_HEARTBEAT ?? "5000,10000").split(",").map(Number);
    return { adapter: postgres(pool, { channelPrefix: prefix, heartbeatInterval, heartbeatTimeout }) };
  }
  redis = await client();
  if (backend === "redis") return { adapter: classic(redis, await client(), { key: prefix }) };
  if (backend === "sharded") return { adapter: sharded(redis, await client(), { channelPrefix: prefix, ...(mode && { subscriptionMode: mode }) }) };
  const session = prefix === "socket.io" ? "sio:session:" : `${prefix}:session:`;
  return { adapter: streams(redis, { streamName: prefix, channelPrefix: prefix, sessionKeyPrefix: session }) };
}

const count = async (space) => (backend ? space.adapter.serverCount() : 1);
let known = 1; // servers that have "/"

/** The member cluster of stats, which must answer at once: the number is some moments old. */
export function clusterStats(io) {
  if (!backend) return {};
  count(io.of("/")).then((n) => { known = n; }, () => {});
  if (pool) {
    pool.query("SELECT 1").then(() => { answers = true; }, () => { answers = false; });
    return { cluster: { backend, connected: answers, nodes: known } };
  }
  return { cluster: { backend, connected: redis.isReady ?? redis.masters.every(({ client: one }) => one?.isReady), nodes: known } };
}

const strings = ["", "plain", "é", "日本語", "😀👨‍👩‍👧‍👦", "\u2028\u2029", "\u0000\u0001\u001f", '\\"/\b\f\n\r\t', "\ufeffbom", "\u001e", "0:", "b64"];

function deep() {
  let v = "end";
  for (let i = 0; i < 60; i++) v = i % 2 ? [v] : { d: v };
  return v;
}

const kinds = {
  types: () => [null, true, false, 0, -1, 1.5, 9007199254740991, "", [], {}, [[]], { a: { b: [null] } }],
  date: () => [new Date(86400000), { d: new Date(0), e: [new Date(1700000000123)], f: new Date(-1) }],
  undefined: () => [undefined, { a: undefined, b: 1 }, [undefined, 2]],
  integers: () => [127, 128, 255, 256, 32767, 65535, 65536, 2147483647, 2147483648, 4294967295, 4294967296, 4294967297, 9007199254740991, -1, -32, -33,
    -128, -129, -32768, -32769, -2147483648, -2147483649, -4294967296, -9007199254740991],
  floats: () => [0.1, -0.1, 1.5e-7, 5e-324, 3.5, 16777217.5, -123456789.125, 4503599627370495.5],
  huge: () => [1e21, 1e300, 18446744073709551616, 9223372036854775808, -1e21],
  strings: () => [strings, ...[31, 32, 255, 256, 70000].map((n) => "x".repeat(n))],
  nested: () => [{ a: [pattern(3), { b: pattern(5), s: "x" }], z: pattern(0), n: null }, pattern(2)],
  binary: () => [0, 1, 255, 256, 65535, 65536].map(pattern),
  keys: () => [{ "": 1, "é": 2, "a b": 3, "1": 4, "日本": { "😀": [] } }, { type: "Buffer", data: [1, 2, 3] }, { _placeholder: true, num: 0 },
    { $bin: "00" }, ["{", "}", '42["x"]']],
  deep: () => [deep()],
  wide: () => [Array.from({ length: 1000 }, (_, i) => i), Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))],
};
export const kindNames = Object.keys(kinds);

const notes = new Map(); // by namespace's name
const noted = (space) => notes.get(space.name) ?? notes.set(space.name, []).get(space.name);

/** What other servers say to a namespace, from its first use on. */
function onServers(space) {
  if (space.heedsServers) return;
  space.heedsServers = true;
  space.on("note", (...a) => {
    const list = noted(space);
    list.push(a);
    if (list.length > 1000) list.shift();
  });
  space.on("question", (q, ...a) => {
    const cb = a.pop();
    if (typeof cb !== "function" || q?.silent?.includes(node)) return;
    setTimeout(() => cb([node, ...a]), q?.delay ?? 0);
  });
}

/** Registers the events about other servers. */
export function registerCluster(socket, space, target) {
  onServers(space);
  const on = (event, handler) => socket.on(event, handler);
  on("nodes", async (cb) => cb(await count(space)));
  on("allRooms", async (cb) => {
    if (backend && backend !== "redis") return cb(null);
    try {
      cb([...(backend ? await space.adapter.allRooms() : space.adapter.rooms.keys())].sort());
    } catch {
      cb("timeout");
    }
  });
  on("fetchFull", async ({ room, except, local, timeout }, cb) => {
    let to = except?.length ? space.except(except) : space.except([]);
    if (room) to = to.in(room);
    if (local) to = to.local;
    if (timeout) to = to.timeout(timeout);
    let list;
    try {
      list = await to.fetchSockets();
    } catch {
      return cb("timeout", []);
    }
    cb(null, list.map(({ id, rooms, data, handshake: h }) => ({
      id, rooms: [...rooms].sort(), data,
      handshake: { auth: h.auth, query: h.query, address: h.address, secure: h.secure, xdomain: h.xdomain, issued: h.issued, time: h.time, url: h.url,
        header: h.headers["x-test"] ?? null },
    })).sort((a, b) => (a.id < b.id ? -1 : 1)));
  });
  on("relayGen", (o, kind, cb) => { target(o).emit("gen", ...kinds[kind]()); cb(); });
  on("relayBurst", (o, n, pad, tag, cb) => {
    const text = "x".repeat(pad);
    for (let i = 0; i < n; i++) target(o).emit("seq", tag, i, o.binary && i % 2 ? Buffer.from(text) : text);
    cb(n);
  });
  on("serverSideEmit", (ev, args, cb) => { if (backend) space.serverSideEmit(ev, ...args); cb(); });
  on("serverSideAsk", (ev, args, cb) => {
    if (!backend) return cb(null, []);
    space.serverSideEmit(ev, ...args, (err, answers) => cb(err ? "timeout" : null, answers));
  });
  on("notes", (cb) => cb(noted(space)));
}
