// The way between a node and its broker: one that carries nothing any more, and one that is long and narrow.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readFileSync } from "node:fs";
import { ask1, pause, until } from "../lib/clients.mjs";
import { record } from "../lib/history.mjs";
import { noNamespaces, startNetwork } from "../lib/netns.mjs";
import { backends, openOn, startNodes } from "../lib/nodes.mjs";
import { lasts, slow, stretch } from "../lib/patience.mjs";
import { startRelay } from "../lib/relay.mjs";
import { freePort } from "../lib/brokers.mjs";

const without = noNamespaces();
if (without) console.log(`partitions are made by a relay that carries nothing, not by a network namespace: ${without}`);

// In make test the two with the least and the most of their own to do; all in make test-cluster-faults.
const [some, many] = lasts([["redis", "mesh"], ["redis"]], [["redis", "streams", "sharded", "postgres", "nats", "mesh"], ["redis", "streams", "sharded", "postgres", "nats"]]);

/** What the one who sends more than the way carries sends with each event. With NATS the sockets' buffers fill first. */
const loads = { nats: 60_000 };

/** The same backend at another address. */
const instead = (broker, host, port) => broker.url.replace(`127.0.0.1:${broker.broker.port}`, `${host}:${port}`);

/** URLs of three nodes, of which the last can be cut off: by its network, or by a relay before the broker. */
async function apart(backend) {
  if (backend === "mesh") {
    if (without) return null;
    const network = startNetwork();
    const [one, two, three] = await Promise.all([1, 2, 3].map(freePort));
    const url = `mesh://${network.broker}:${one},${network.broker}:${two},${network.own}:${three}`;
    return { urls: [url, url, url], networks: [undefined, undefined, network], cut: network.pull, mend: network.plug, stop: network.stop, env: { CLUSTER_SECRET: "the tests' secret of all nodes, 32 bytes" } };
  }
  const broker = await backends[backend].start();
  const network = without ? undefined : startNetwork();
  const host = network?.broker ?? "127.0.0.1";
  const relay = await startRelay(broker.broker.port, { at: host });
  const far = instead(broker, host, relay.port);
  const stop = async () => { network?.stop(); await relay.stop(); await broker.stop(); };
  return { urls: [broker.url, broker.url, far], networks: [undefined, undefined, network], cut: network ? network.pull : relay.freeze, mend: network ? network.plug : relay.thaw, stop, env: {} };
}

describe("ways to the broker", { concurrency: true }, () => {
  for (const backend of some) {
    test(`${backend}: a node is cut off from the broker, and comes back by itself`, { timeout: stretch(120_000) }, async (t) => {
      const way = await apart(backend);
      if (!way) return t.diagnostic("a mesh has no broker that a relay could be put before: this needs network namespaces");
      const dead = stretch(3000);
      let nodes = [];
      t.after(async () => { way.mend(); await Promise.all(nodes.map((n) => n.stop())); await way.stop(); });
      nodes = await startNodes(way.urls, ["go", "go", "go"], { networks: way.networks, env: { CLUSTER_HEARTBEAT: `${stretch(1000)},${dead}`, ...way.env } });
      const sockets = await openOn(nodes, [0, 1, 2]);
      t.after(() => sockets.forEach((socket) => socket.close()));
      const run = await record(t, backend, nodes, sockets, { dead, travel: stretch(40_000), every: 50 });
      await pause(300);
      const cut = performance.now(), at = new Date(), since = () => Math.round(performance.now() - cut);
      way.cut();
      const gone = (i, from) => nodes[i].told.some((e) => e.Kind === "lost" && e.From === from && new Date(e.At) > at);
      await Promise.all([
        until("the others take it for gone", () => gone(0, "n2") && gone(1, "n2")).then(() => t.diagnostic(`${backend}: the others see it after ${since()} ms`)),
        until("it takes the others for gone", () => gone(2, "n0") && gone(2, "n1")).then(() => t.diagnostic(`${backend}: the node sees it after ${since()} ms`)),
      ]);
      assert.ok(since() < 10_000 * slow, `both sides see it after ${since()} ms`);
      await pause(lasts(0, 30_000 / slow - since() / slow));
      const mended = performance.now();
      way.mend();
      await until("all count all", async () => (await Promise.all(nodes.map((n) => n.stats()))).every(({ cluster: c }) => c.connected && c.nodes === 3));
      await until("all hear all", () => [[0, 2], [2, 0], [1, 2], [2, 1]].every(([i, from]) => run.parties[i].got.size && nodes[i].told.some((e) => e.Kind === "found" && e.From === `n${from}` && new Date(e.At) > at)));
      t.diagnostic(`${backend}: all count all ${Math.round(performance.now() - mended)} ms after the way is mended`);
      assert.equal((await ask1(sockets[0], "fetch", "")).length, 3);
      await run.check();
      const local = run.local(cut, mended);
      t.diagnostic(`${backend}: local delivery meanwhile: p99 ${local.p99} ms of ${local.n}`);
    });
  }

  for (const backend of many) {
    test(`${backend}: 100 ms and 1 Mbit/s to the broker, and more to send than that`, { timeout: stretch(120_000) }, async (t) => {
      const broker = await backends[backend].start();
      t.after(() => broker.stop());
      const relay = await startRelay(broker.broker.port, { delay: 100, rate: 125_000 });
      t.after(() => relay.stop());
      const queue = 256 << 10;
      const nodes = await startNodes([instead(broker, "127.0.0.1", relay.port), broker.url], ["go", "go"], {
        env: { CLUSTER_HEARTBEAT: `${stretch(1000)},${stretch(20_000)}`, CLUSTER_QUEUE: String(queue) },
      });
      t.after(() => Promise.all(nodes.map((n) => n.stop())));
      const sockets = await openOn(nodes, [0, 1]);
      t.after(() => sockets.forEach((socket) => socket.close()));
      const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${nodes[0].pid}/status`, "utf8"))[1]) >> 10;
      const run = await record(t, backend, nodes, sockets, { pads: [loads[backend] ?? 8000, 0], every: 20, travel: stretch(30_000) });
      const before = memory();
      let most = 0, lost = 0;
      const begin = performance.now(), atLeast = lasts(2500, 10_000), atMost = stretch(20_000);
      const passed = () => performance.now() - begin;
      while (passed() < atLeast || (most <= queue / 4 || lost === 0) && passed() < atMost) { // a busy machine takes its time to send too much
        await new Promise((resolve) => setTimeout(resolve, 50));
        const account = await nodes[0].account();
        most = Math.max(most, account.queued);
        lost = Object.values(account.dropped ?? {}).reduce((sum, n) => sum + n, 0);
      }
      run.pads(0);
      if (loads[backend]) relay.widen(); // or the megabytes on their way would take a minute
      assert.ok(most > queue / 4 && most <= queue, `at most ${most} bytes wait, of ${queue}`);
      const grown = memory() - before;
      const { dropped } = await run.check();
      t.diagnostic(`${backend}: at most ${most} bytes waited; the node grew by ${grown} MB`);
      assert.ok(grown < 64, `the node grew by ${grown} MB`);
      assert.ok(dropped > 0, "something was given up");
      assert.deepEqual([run.missing(1, 0).length, run.counted(1, 0)], [dropped, dropped], "what was given up is what is missing, and is counted on both sides");
    });
  }
});
