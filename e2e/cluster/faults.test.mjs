// What becomes of a cluster whose broker is not there, or whose nodes end: nobody waits, nothing is lost silently.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, ask1, client48, connect, next, until } from "../lib/clients.mjs";
import { backends, openOn, startNodes } from "../lib/nodes.mjs";
import { freePort, startNATS, startPostgres, startRedis } from "../lib/brokers.mjs";
import { slow, stretch } from "../lib/patience.mjs";
import { startServer } from "../lib/server.mjs";

const id = (socket) => socket.welcome.id;
const connected = (node, want) => until(`${node.name} is ${want ? "" : "not "}connected`, async () => (await node.stats()).cluster.connected === want);
const brokers = { redis: startRedis, streams: startRedis, sharded: startRedis, postgres: startPostgres, nats: startNATS };
const addresses = { redis: "redis://127.0.0.1:", streams: "redis+streams://127.0.0.1:", sharded: "redis+sharded://127.0.0.1:", postgres: "postgres://tester@127.0.0.1:", nats: "nats://127.0.0.1:" };
const url = (backend, port) => `${addresses[backend]}${port}${backend === "postgres" ? "/postgres?sslmode=disable" : ""}`;

/** Emits to everybody until the socket hears it; the numbers of what it hears. */
async function reaches(from, to) {
  let over = false;
  const heard = next(to, "again").then(() => { over = true; });
  await until("a broadcast arrives", () => { if (!over) from.emit("relay", {}, "again"); return over; });
  await heard;
}

for (const backend of Object.keys(brokers)) {
  test(`${backend}: nobody is there at the start; then somebody is`, { timeout: stretch(60_000) }, async (t) => {
    const port = await freePort();
    const nodes = await startNodes(url(backend, port), ["go", "go"], { wait: false });
    t.after(() => Promise.all(nodes.map((n) => n.stop())));
    const [a, b] = await Promise.all(nodes.map((n) => connect(client48, "websocket", n.url, "/")));
    t.after(() => [a, b].forEach((socket) => socket.close()));
    for (const [i, socket] of [a, b].entries()) {
      const { cluster } = await nodes[i].stats();
      assert.deepEqual([cluster.backend, cluster.connected, cluster.nodes], [backend, false, 1]);
      const heard = next(socket, "x");
      socket.emit("relay", {}, "x", "local");
      assert.deepEqual(await heard, ["local"]);
    }
    const began = Date.now();
    const answer = await ask1(a, "fetch", "");
    assert.ok(Date.now() - began < 8000 * slow, "fetch answers in time");
    assert.ok(typeof answer === "string" ? answer.startsWith("error") : answer.includes(id(a)), JSON.stringify(answer));
    const broker = await brokers[backend](port);
    t.after(() => broker.stop());
    await Promise.all(nodes.map((n) => connected(n, true)));
    await until("both know both", async () => (await Promise.all(nodes.map((n) => n.stats()))).every(({ cluster }) => cluster.nodes === 2));
    await reaches(a, b);
    await reaches(b, a);
  });

  test(`${backend}: the broker ends, and another takes its place`, { timeout: stretch(90_000) }, async (t) => {
    const port = await freePort();
    let broker = await brokers[backend](port);
    t.after(() => broker.stop());
    const nodes = await startNodes(url(backend, port), ["go", "go"]);
    t.after(() => Promise.all(nodes.map((n) => n.stop())));
    const sockets = await openOn(nodes, [0, 1]);
    t.after(() => sockets.forEach((socket) => socket.close()));
    const [a, b] = sockets;
    await reaches(a, b);
    const lost = Date.now();
    await broker.stop();
    // Local delivery does not wait, not even for the moment in which the loss is noticed.
    for (let i = 0; i < 20; i++) {
      const heard = next(a, "x");
      a.emit("relay", {}, "x", i);
      assert.deepEqual(await heard, [i]);
    }
    await connected(nodes[0], false);
    assert.ok(Date.now() - lost < 3000 * slow, "the loss is told within 3 s");
    const began = Date.now();
    const answer = await ask1(a, "fetch", "");
    assert.ok(Date.now() - began < 8000 * slow, "fetch answers in time");
    assert.ok(typeof answer === "string" ? answer.startsWith("error") : answer.includes(id(a)), JSON.stringify(answer));
    broker = await brokers[backend](port);
    await Promise.all(nodes.map((n) => connected(n, true)));
    await reaches(a, b);
    await reaches(b, a);
    await until("all are found again", async () => (await ask1(a, "fetch", "")).length === 2);
  });

  test(`${backend}: the broker pauses; all arrives afterwards, once and in order`, { timeout: stretch(60_000) }, async (t) => {
    const broker = await brokers[backend]();
    t.after(() => { broker.resume(); return broker.stop(); });
    const nodes = await startNodes(url(backend, broker.port), ["go", "go"]);
    t.after(() => Promise.all(nodes.map((n) => n.stop())));
    const sockets = await openOn(nodes, [0, 1]);
    t.after(() => sockets.forEach((socket) => socket.close()));
    const [a, b] = sockets;
    const n = 200;
    const got = { a: [], b: [] };
    a.on("seq", (_, i) => got.a.push(i));
    b.on("seq", (_, i) => got.b.push(i));
    await broker.pause();
    await ask(a, "relayBurst", {}, n, 10, "t");
    await until("local clients have all of it", () => got.a.length === n);
    assert.deepEqual(got.b, []);
    broker.resume();
    await until("the others have it too", () => got.b.length >= n);
    assert.deepEqual(got.b, Array.from({ length: n }, (_, i) => i));
    assert.deepEqual(got.a, got.b);
  });
}

for (const backend of Object.keys(backends)) {
  test(`${backend}: a node is killed, another stops; what arrived is returned`, { timeout: stretch(90_000) }, async (t) => {
    const broker = await backends[backend].start();
    t.after(() => broker.stop());
    const env = { CLUSTER_HEARTBEAT: `${stretch(300)},${stretch(1500)}` };
    const nodes = await startNodes(broker.url, ["go", "go", "go"], { env });
    const left = new Set(nodes);
    t.after(() => Promise.all([...left].map((n) => n.stop())));
    const sockets = await openOn(nodes, [0, 1, 2]);
    t.after(() => sockets.forEach((socket) => socket.close()));
    const [a, b, c] = sockets;
    for (const socket of [a, b]) socket.on("q", (_, cb) => cb(id(socket)));
    c.on("q", () => {}); // and its server is killed meanwhile
    const waiting = ask(a, "relayAck", { timeout: stretch(8000) }, "q", 1);
    await until("the others have been asked", async () => (await ask1(a, "fetch", "")).length === 3);
    left.delete(nodes[2]);
    await nodes[2].kill();
    const [err, answers] = await waiting;
    assert.deepEqual([err, answers.sort()], ["timeout", [id(a), id(b)].sort()]);
    await until("the dead one is not counted", async () => (await nodes[0].stats()).cluster.nodes === 2);
    assert.deepEqual(await ask1(a, "fetch", ""), [id(a), id(b)].sort());
    left.delete(nodes[1]);
    await nodes[1].stop();
    await until("the one that said goodbye is not counted", async () => (await nodes[0].stats()).cluster.nodes === 1);
    assert.deepEqual(await ask1(a, "fetch", ""), [id(a)]);
    assert.deepEqual(await ask(a, "serverSideAsk", "question", [{}]), [null, []]);
  });
}

test("what CLUSTER cannot be is said in one line, before the server listens", async () => {
  for (const [url, says] of [["memcached://x", /no backend memcached:\/\/: write redis:\/\//], ["redis://", /no host/], ["redis://:SECRET@h?x=1", /no parameter/],
    ["redis+sharded://:SECRET@h?subscribe=all", /write dynamic, dynamic-private or static/], ["redis+sharded://:SECRET@h/1", /leave the number out/]]) {
    await assert.rejects(startServer("main", { server: "sockeye", env: { CLUSTER: url } }), (err) => {
      assert.match(err.message, /server ended \(1\) before it listened/);
      assert.match(err.message, says);
      assert.doesNotMatch(err.message, /SECRET/);
      assert.equal(err.message.trim().split("\n").length, 1, err.message);
      return true;
    });
  }
});
