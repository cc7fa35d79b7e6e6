// Programs that are no servers and emit all the same: ours to clients of our servers and of Node's, and Node's to clients of ours.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { Emitter as PostgresEmitter } from "@socket.io/postgres-emitter";
import { Emitter as RedisEmitter } from "@socket.io/redis-emitter";
import pg from "pg";
import { createClient } from "redis";
import { ask, ask1, disconnected, next, plain, until } from "../lib/clients.mjs";
import { backends, openOn, startNodes } from "../lib/nodes.mjs";
import { slow, stretch, whole } from "../lib/patience.mjs";

const id = (socket) => socket.welcome.id;
const program = fileURLToPath(new URL("../../bin/emit", import.meta.url));

/** Our emitter, in a process of its own: what it is told, it sends. */
function ours({ url }, prefix) {
  const child = spawn(program, [url, prefix], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const say = async (what) => {
    child.stdin.write(`${JSON.stringify({ ...what, args: what.args?.map((v) => (Buffer.isBuffer(v) ? `hex:${v.toString("hex")}` : v)) })}\n`);
    assert.equal((await lines.next()).value, "ok");
  };
  return {
    emit: (nsp, to, event, ...args) => say({ do: "emit", nsp, ...to, event, args }),
    join: (nsp, to, ...names) => say({ do: "join", nsp, ...to, names }),
    leave: (nsp, to, ...names) => say({ do: "leave", nsp, ...to, names }),
    disconnect: (nsp, to, close) => say({ do: "disconnect", nsp, ...to, close }),
    serverSide: (nsp, event, ...args) => say({ do: "serverSide", nsp, event, args }),
    async stop() {
      const exited = once(child, "exit");
      child.stdin.end();
      assert.deepEqual(await exited, [0, null]);
    },
  };
}

/** Node's, with the same methods. */
function nodes(emitters, stop) {
  const target = (nsp, { rooms = [], except = [] }) => emitters(nsp).to(rooms).except(except);
  return {
    emit: async (nsp, to, event, ...args) => target(nsp, to).emit(event, ...args),
    join: async (nsp, to, ...names) => target(nsp, to).socketsJoin(names),
    leave: async (nsp, to, ...names) => target(nsp, to).socketsLeave(names),
    disconnect: async (nsp, to, close) => target(nsp, to).disconnectSockets(close),
    serverSide: async (nsp, event, ...args) => emitters(nsp).serverSideEmit(event, ...args),
    stop,
  };
}

async function nodesRedis({ broker }, prefix) {
  const client = createClient({ url: `redis://${broker.address}` });
  await client.connect();
  return nodes((nsp) => new RedisEmitter(client, { key: prefix }, nsp), () => client.quit());
}

async function nodesPostgres({ url }, prefix) {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  return nodes((nsp) => new PostgresEmitter(pool, nsp, { channelPrefix: prefix }), () => pool.end());
}

const cases = [
  // In make test ours over what Node's is not tried on below.
  ...(whole ? ["redis", "streams", "sharded", "postgres", "nats"] : ["streams", "sharded", "nats"]).map((backend) => ({ backend, whose: "ours", make: ours, kinds: backends[backend].mixed ? ["go", "node"] : ["go", "go"] })),
  { backend: "redis", whose: "Node's", make: nodesRedis, kinds: ["go", "node"] },
  { backend: "postgres", whose: "Node's", make: nodesPostgres, kinds: ["go", "go"] }, // 0.1.1 and Node's adapter 0.5 do not work together
];
for (const { backend, whose, make, kinds } of cases) {
  test(`${backend}: ${whose} emitter`, { timeout: stretch(90_000) }, async (t) => {
    const broker = await backends[backend].start();
    t.after(() => broker.stop());
    const prefix = `emitter-${backend}`;
    const servers = await startNodes(broker.url, kinds, { env: { CLUSTER_PREFIX: prefix } });
    t.after(() => Promise.all(servers.map((n) => n.stop())));
    const nsp = "/dyn-901";
    const sockets = await openOn(servers, [0, 0, 1, 1], { nsp });
    t.after(() => sockets.forEach((socket) => socket.close()));
    const e = await make(broker, prefix);
    const [a, a2, b, b2] = sockets;
    for (const socket of [a2, b]) await ask(socket, "join", "r");

    /** What each hears of "x" until all have heard "end". */
    const heard = async (act) => {
      const got = sockets.map(() => []);
      const listen = sockets.map((_, i) => (...args) => got[i].push(...plain(args)));
      sockets.forEach((socket, i) => socket.on("x", listen[i]));
      await act();
      for (let over = false; !over;) {
        const ends = Promise.all(sockets.map((socket) => next(socket, "end"))).then(() => { over = true; });
        await e.emit(nsp, {}, "end", Buffer.from([1]));
        await ends;
      }
      sockets.forEach((socket, i) => socket.off("x", listen[i]));
      return got;
    };
    let got = await heard(async () => {
      await e.emit(nsp, {}, "x", 1, { deep: ["é", null] });
      await e.emit(nsp, { rooms: ["r"] }, "x", 2);
      await e.emit(nsp, { rooms: ["r", id(a)] }, "x", 3);
      await e.emit(nsp, { except: ["r"] }, "x", 4);
      await e.emit(nsp, { rooms: ["r"], except: [id(b)] }, "x", 5);
      await e.emit(nsp, { rooms: ["nobody"] }, "x", 6);
      await e.emit("/dyn-902", {}, "x", 7);
      for (let i = 0; i < 3; i++) await e.emit(nsp, { rooms: [id(b2)] }, "x", 8); // alike
      await e.emit(nsp, {}, "x", Buffer.from([0, 1, 255]), "x".repeat(9000));
    });
    const large = [...plain([Buffer.from([0, 1, 255])]), "x".repeat(9000)];
    const all = [1, { deep: ["é", null] }];
    const by = (list) => [...list].sort((p, q) => (JSON.stringify(p) < JSON.stringify(q) ? -1 : 1)); // not all backends keep order between rooms
    assert.deepEqual(got.map(by), [[...all, 3, 4, ...large], [...all, 2, 3, 5, ...large], [...all, 2, 3, ...large], [...all, 4, 8, 8, 8, ...large]].map(by));

    await e.join(nsp, { rooms: ["r"] }, "s", "s2");
    await until("they have joined", async () => (await ask1(a, "fetch", "s2")).length === 2);
    await e.leave(nsp, { except: [id(b)] }, "s");
    await until("one has left", async () => (await ask1(b, "fetch", "s")).length === 1);
    got = await heard(() => e.emit(nsp, { rooms: ["s"] }, "x", 9));
    assert.deepEqual(got, [[], [], [9], []]);

    await e.serverSide(nsp, "note", 1, "é", { x: [true] });
    for (const socket of [a, b]) {
      await until("the servers have noted it", async () => (await ask1(socket, "notes")).length === 1);
      assert.deepEqual(await ask1(socket, "notes"), [[1, "é", { x: [true] }]]);
    }

    // It is nobody that is counted, or waited for.
    for (const socket of [a, b]) assert.equal(await ask1(socket, "nodes"), 2);
    const began = Date.now();
    assert.equal((await ask1(a, "fetch", "")).length, 4);
    assert.equal((await ask1(b, "fetch", "")).length, 4);
    assert.ok(Date.now() - began < 3000 * slow, "nobody waits for an emitter");

    const end = Promise.all([a2, b].map(disconnected));
    await e.disconnect(nsp, { rooms: ["r"] }, false);
    assert.deepEqual(await end, ["io server disconnect", "io server disconnect"]);
    await e.stop();
    assert.deepEqual((await ask1(a, "fetch", "")).length, 2);
    for (const server of servers) assert.equal((await server.stats()).cluster.nodes, 2);
  });
}
