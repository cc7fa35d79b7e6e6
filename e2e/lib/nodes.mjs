// Servers that are one cluster: ours ("go", or "newer" as of a later version) and Node's with the official adapters ("node").
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startCluster, startJetStream, startNATS, startPostgres, startRedis } from "./brokers.mjs";
import { startServer } from "./server.mjs";
import { client48, connect, until } from "./clients.mjs";

/** The backends, and the broker that each needs: resolves with the URL for a number of nodes, and how to end it. as is what stats call it. */
export const backends = {
  redis: { mixed: true, start: () => on("redis", startRedis) },
  streams: { mixed: true, start: () => on("redis+streams", startRedis) },
  sharded: { mixed: true, start: () => on("redis+sharded", startRedis) },
  "sharded-cluster": { mixed: true, as: "sharded", start: () => on("redis+sharded", startCluster) },
  postgres: { mixed: true, start: () => on("postgres", startPostgres) },
  nats: { mixed: false, start: () => on("nats", startNATS) },
  jetstream: { mixed: false, as: "nats", start: () => on("nats", startJetStream) },
  "mesh-log": { mixed: false, as: "mesh", least: 3, start: startMeshLog },
  mesh: { mixed: false, start: async () => ({ url: `mesh://${(await Promise.all([1, 2, 3].map(freePort))).map((p) => `127.0.0.1:${p}`)}`, stop() {} }) },
};

/** A mesh whose nodes keep a log, in one folder. */
async function startMeshLog() {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-mesh-"));
  const addresses = (await Promise.all([1, 2, 3].map(freePort))).map((p) => `127.0.0.1:${p}`);
  return { url: `mesh://${addresses}`, env: { CLUSTER_DIR: folder }, stop: () => rmSync(folder, { recursive: true, force: true }) };
}

async function on(scheme, start) {
  const broker = await start();
  return { url: `${scheme}://${broker.address}`, broker, again: () => start(broker.port), stop: () => broker.stop() };
}

let prefixes = 0;

/**
 * Starts nodes named n0, n1 … (or from another number on) of these kinds, with a prefix of their own unless one is given, and waits until all know of all. With a list of URLs each
 * has its own, with networks some run there; with forward they pass requests for each other's sessions on.
 * @returns {Promise<{url: string, kind: string, prefix: string, name: string, stats: () => Promise<object>, stop: () => Promise<number>, kill: () => Promise<void>, log: () => string, pid: number}[]>}
 */
export async function startNodes(url, kinds, { profile = "main", env = {}, wait = true, forward = false, networks = [], prefix = `test-${++prefixes}`, from = 0 } = {}) {
  const nodes = [];
  for (const [i, kind] of kinds.entries()) {
    const port = forward ? await freePort() : 0;
    const server = await startServer(profile, {
      server: { node: "reference", newer: "newer" }[kind] ?? "sockeye", port, network: networks[i],
      env: {
        CLUSTER: Array.isArray(url) ? url[i] : url, CLUSTER_PREFIX: prefix, NODE: `n${from + i}`, CLUSTER_HISTORY: "1",
        ...(forward && { CLUSTER_ADVERTISE: `http://127.0.0.1:${port}`, CLUSTER_SECRET: "the tests' secret of all nodes" }), ...env,
      },
    });
    nodes.push({ ...server, kind, prefix, name: `n${from + i}`, stats: async () => (await fetch(`${server.url}/stats`)).json(), account: async () => (await fetch(`${server.url}/account`)).json(), forwards: async () => (await fetch(`${server.url}/forwards`)).json() });
  }
  if (wait) {
    await until("all nodes know of all", async () => {
      const all = await Promise.all(nodes.map((n) => n.stats()));
      return all.every(({ cluster: c }) => c.connected && c.nodes === nodes.length);
    });
  }
  return nodes;
}

let names = 0;

/** Sockets of a fresh namespace, by the index of their nodes; it is there on all of these when it returns. */
export async function openOn(nodes, places, { transport = "websocket", nsp = `/dyn-${++names}`, ...options } = {}) {
  const sockets = await Promise.all(places.map(async (place) => {
    const socket = await connect(client48, transport, nodes[place].url, nsp, options);
    socket.id48 = socket.welcome.id;
    return socket;
  }));
  const servers = new Set(places).size;
  for (const socket of sockets) {
    await until(`${servers} servers have ${nsp}`, () => new Promise((resolve) => socket.emit("nodes", (n) => resolve(n === servers))));
  }
  return sockets;
}
