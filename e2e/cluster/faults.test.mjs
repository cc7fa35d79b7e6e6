// What becomes of a cluster whose broker is not there, or whose nodes end: nobody waits, nothing is lost silently.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { ask, ask1, client48, connect, next, pause, until } from "../lib/clients.mjs";
import { backends, openOn, startNodes } from "../lib/nodes.mjs";
import { freePort, startNATS, startPostgres, startRedis } from "../lib/brokers.mjs";
import { lasts, slow, stretch } from "../lib/patience.mjs";
import { startServer } from "../lib/server.mjs";
import { decide, record } from "../lib/history.mjs";

const id = (socket) => socket.welcome.id;
const connected = (node, want) => until(`${node.name} is ${want ? "" : "not "}connected`, async () => (await node.stats()).cluster.connected === want);
const brokers = { redis: startRedis, streams: startRedis, sharded: startRedis, postgres: startPostgres, nats: startNATS };
const addresses = { redis: "redis://127.0.0.1:", streams: "redis+streams://127.0.0.1:", sharded: "redis+sharded://127.0.0.1:", postgres: "postgres://tester@127.0.0.1:", nats: "nats://127.0.0.1:" };
const url = (backend, port) => `${addresses[backend]}${port}${backend === "postgres" ? "/postgres?sslmode=disable" : ""}`;

/** Heartbeats for nodes that do not give one another up. */
const patient = { CLUSTER_HEARTBEAT: `${stretch(300)},${stretch(10_000)}` };

// A server that has no cluster: what the machine does to local delivery it does to its too.
const alone = await startServer("main", { server: "sockeye" });
after(() => alone.stop());

/** Twice less than that is no difference, ms. */
const moment = 10;

/**
 * Local delivery goes on: it does not wait for the end of a fault. In make test-cluster-faults it takes as long as before, too, for which a machine must
 * not have much else to do.
 */
function local(t, run, began, at, until) {
  const [before, then, beside] = [run.local(began, at), run.local(at, until), run.beside(at, until)];
  const all = `p99 of local delivery: before ${before.usual} ms (${before.p99} with stalls), during the fault ${then.usual} ms (${then.p99}), of a server without a cluster then ${beside.usual} ms (${beside.p99})`;
  t.diagnostic(all);
  // What waits until the end does so for half of the time, on average.
  assert.ok(then.n > 0 && then.p50 < (until - at) / 4, `${all}; median ${then.p50} ms in ${Math.round(until - at)} ms`);
  if (!lasts(false, true)) return;
  assert.ok(beside.n > 0 && then.usual <= 2 * Math.max(before.usual, beside.usual, moment), all);
  assert.ok(then.p99 <= Math.max(2 * before.p99, 2 * beside.max, 100 * slow), all);
}

/** A socket of the one without a cluster. */
async function besides(t) {
  const [socket] = await openOn([alone], [0]);
  t.after(() => socket.close());
  return socket;
}

/** Emits to everybody until the socket hears it; the numbers of what it hears. */
async function reaches(from, to) {
  let over = false;
  const heard = next(to, "again").then(() => { over = true; });
  await until("a broadcast arrives", () => { if (!over) from.emit("relay", {}, "again"); return over; });
  await heard;
}

// In make test each backend meets some of it, in make test-cluster-faults all.
const every = Object.keys(brokers);
const [late, replaced, paused, killed] = lasts([["redis", "postgres"], ["streams", "nats"], ["sharded", "nats"], ["redis", "sharded-cluster", "mesh"]],
  [every, every, every, Object.keys(backends).filter((name) => !["jetstream", "mesh-log"].includes(name))]); // these are as nats and mesh

describe("faults", { concurrency: 3 }, () => { // most of it is waiting
  for (const backend of late) {
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
  }

  for (const backend of replaced) {
    test(`${backend}: the broker ends, and another takes its place`, { timeout: stretch(90_000) }, async (t) => {
      const port = await freePort();
      let broker = await brokers[backend](port);
      t.after(() => broker.stop());
      const nodes = await startNodes(url(backend, port), ["go", "go"], { env: patient });
      t.after(() => Promise.all(nodes.map((n) => n.stop())));
      const sockets = await openOn(nodes, [0, 1]);
      t.after(() => sockets.forEach((socket) => socket.close()));
      const a = await connect(client48, "websocket", nodes[0].url, "/"); // whose questions are not among what is counted
      t.after(() => a.close());
      const run = await record(t, backend, nodes, sockets, { beside: await besides(t) });
      const began = performance.now();
      await pause(500);
      const lost = performance.now();
      await broker.stop();
      await connected(nodes[0], false);
      assert.ok(performance.now() - lost < 3000 * slow, "the loss is told within 3 s");
      const asked = Date.now();
      const answer = await ask1(a, "fetch", "");
      assert.ok(Date.now() - asked < 8000 * slow, "fetch answers in time");
      assert.ok(typeof answer === "string" ? answer.startsWith("error") : answer.includes(id(a)), JSON.stringify(answer));
      await pause(lasts(0, 3000));
      // Local delivery does not wait, not even for the moment in which the loss is noticed.
      local(t, run, began, lost, performance.now());
      broker = await brokers[backend](port);
      await Promise.all(nodes.map((n) => connected(n, true)));
      await until("all are found again", async () => (await ask1(a, "fetch", "")).includes(id(a)));
      await run.check();
      for (const [i, from] of [[0, 1], [1, 0]]) {
        assert.equal(run.counted(i, from), run.missing(i, from).length, `n${i} has counted what is missing of n${from}`);
      }
    });
  }

  for (const backend of paused) {
    test(`${backend}: the broker pauses; all arrives afterwards, once and in order`, { timeout: stretch(60_000) }, async (t) => {
      const broker = await brokers[backend]();
      t.after(() => { broker.resume(); return broker.stop(); });
      const nodes = await startNodes(url(backend, broker.port), ["go", "go"], { env: patient });
      t.after(() => Promise.all(nodes.map((n) => n.stop())));
      const sockets = await openOn(nodes, [0, 1]);
      t.after(() => sockets.forEach((socket) => socket.close()));
      const run = await record(t, backend, nodes, sockets, { safe: true, travel: stretch(20_000), beside: await besides(t) });
      const began = performance.now();
      await pause(500);
      const paused = performance.now();
      await broker.pause();
      await pause(lasts(1000, 10_000 / slow)); // after 15 s a node would take its connection for dead
      const { queued } = await nodes[0].account();
      assert.ok(queued < 16 << 20, `${queued} bytes wait`);
      local(t, run, began, paused, performance.now());
      broker.resume();
      await run.check();
      assert.deepEqual([run.missing(0, 1), run.missing(1, 0)], [[], []]);
    });
  }

  test("streams: Redis is killed and comes back with what it has stored: nothing is lost", { timeout: stretch(90_000) }, async (t) => {
    let broker = await startRedis(undefined, { lasting: true });
    t.after(() => broker.stop());
    const nodes = await startNodes(url("streams", broker.port), ["go", "go"], { env: patient });
    t.after(() => Promise.all(nodes.map((n) => n.stop())));
    const sockets = await openOn(nodes, [0, 1]);
    t.after(() => sockets.forEach((socket) => socket.close()));
    const run = await record(t, "streams", nodes, sockets, { safe: true, beside: await besides(t) });
    const began = performance.now();
    await pause(500);
    const lost = performance.now();
    await broker.stop();
    await connected(nodes[0], false);
    await pause(lasts(500, 3000));
    local(t, run, began, lost, performance.now());
    broker = await startRedis(broker.port, { lasting: broker.folder });
    const { all, rules } = await run.check();
    assert.deepEqual([run.missing(0, 1), run.missing(1, 0)], [[], []]);

    // The one who decides on all of these would have noticed.
    const came = all.filter((e) => e.kind === "deliver" && e.client === "c1" && e.id.startsWith("c0"));
    const [at, next] = [0, 1].map((i) => all.indexOf(came[(came.length >> 1) + i]));
    const swapped = all.map((e, i) => (i === at ? { ...e, id: all[next].id } : i === next ? { ...e, id: all[at].id } : e));
    for (const [what, bad] of [["lost", all.toSpliced(at, 1)], ["twice", all.toSpliced(at, 0, all[at])], ["out of order", swapped],
      ["never sent", all.toSpliced(all.findIndex((e) => e.kind === "emit"), 1)], ["counted for nothing", [...all, { kind: "gap", at: all[at].at, node: "n1", from: "n0", n: 1 }]]]) {
      assert.ok((await decide(bad, rules)).length > 0, `a history with one ${what} is refused`);
    }
  });

  for (const backend of killed) {
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
      const run = await record(t, backend, nodes, sockets, { dead: stretch(1500) });
      for (const socket of [a, b]) socket.on("q", (_, cb) => cb(id(socket)));
      c.on("q", () => {}); // and its server is killed meanwhile
      const waiting = ask(a, "relayAck", { timeout: stretch(8000) }, "q", 1);
      await until("the others have been asked", async () => (await ask1(a, "fetch", "")).length === 3);
      left.delete(nodes[2]);
      run.killed(2);
      await nodes[2].kill();
      const [err, answers] = await waiting;
      assert.deepEqual([err, answers.sort()], ["timeout", [id(a), id(b)].sort()]);
      await until("the dead one is not counted", async () => (await nodes[0].stats()).cluster.nodes === 2);
      assert.deepEqual(await ask1(a, "fetch", ""), [id(a), id(b)].sort());
      await run.check();
      left.delete(nodes[1]);
      await nodes[1].stop();
      await until("the one that said goodbye is not counted", async () => (await nodes[0].stats()).cluster.nodes === 1);
      assert.deepEqual(await ask1(a, "fetch", ""), [id(a)]);
      assert.deepEqual(await ask(a, "serverSideAsk", "question", [{}]), [null, []]);
    });
  }
});

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
