// A node that sleeps: the others see it, go on, and find it again.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ask1, limited, next, pause, until } from "../lib/clients.mjs";
import { record } from "../lib/history.mjs";
import { backends, openOn, startNodes } from "../lib/nodes.mjs";
import { lasts, slow, stretch } from "../lib/patience.mjs";

// Where servers of Node may be, nodes are counted at the broker: one that sleeps counts for as long as its connection lasts.
const counted = ["redis", "streams", "sharded"];
// Clients do not give up a server that sleeps.
const env = { CLUSTER_HEARTBEAT: `${stretch(300)},${stretch(1500)}`, PINGS: "60000,60000" };
const counts = async (nodes, ...want) => until(`they count ${want}`, async () => (await Promise.all(nodes.map((n) => n.stats()))).every(({ cluster: c }, i) => c.nodes === want[i]));

/** What is said on one is heard on another. */
async function hears(from, to, text) {
  await limited(`"${text}"`, (resolve) => {
    to.on("said", (said) => { if (said === text) resolve(); });
    from.emit("relay", {}, "said", text);
  });
}

/** Says it until it is heard: who has just come back may miss the first. */
async function found(from, to) {
  let over = false;
  const heard = next(to, "again").then(() => { over = true; });
  await until("a broadcast arrives", () => { if (!over) from.emit("relay", {}, "again"); return over; });
  await heard;
}

describe("nodes that sleep", { concurrency: true }, () => {
  // In make test one that is counted at the broker and two that others miss; all in make test-cluster-faults.
  for (const backend of lasts(["streams", "postgres", "mesh"], ["redis", "streams", "sharded", "postgres", "nats", "mesh"])) {
    test(`${backend}: a node sleeps, and wakes`, { timeout: stretch(90_000) }, async (t) => {
      const broker = await backends[backend].start();
      t.after(() => broker.stop());
      const nodes = await startNodes(broker.url, ["go", "go", "go"], { env });
      t.after(() => { process.kill(nodes[2].pid, "SIGCONT"); return Promise.all(nodes.map((n) => n.stop())); });
      const sockets = await openOn(nodes, [0, 1, 2]);
      t.after(() => sockets.forEach((socket) => socket.close()));
      const [a, b, c] = sockets;
      const run = await record(t, backend, nodes, sockets, { dead: stretch(1500), travel: stretch(25_000) });
      await hears(a, c, "awake");
      const missed = [];
      c.on("said", (text) => missed.push(text));
      await run.quiet(2);
      process.kill(nodes[2].pid, "SIGSTOP");
      await hears(a, b, "at once");
      if (counted.includes(backend)) {
        const answer = await ask1(a, "fetch", ""); // after its 5 s
        assert.ok(typeof answer === "string" ? answer.startsWith("error") : answer.length === 2, JSON.stringify(answer));
      } else {
        await counts(nodes.slice(0, 2), 2, 2);
        assert.equal((await ask1(a, "fetch", "")).length, 2, "nobody waits for it");
      }
      await hears(b, a, "still");
      await pause(lasts(0, 20_000 / slow));
      process.kill(nodes[2].pid, "SIGCONT");
      await counts(nodes, 3, 3, 3);
      await found(a, c);
      await found(c, b);
      assert.equal((await ask1(b, "fetch", "")).length, 3);
      // What was said meanwhile comes once, as far as the backend keeps it: from two, and so in no order.
      assert.equal(new Set(missed).size, missed.length, missed.join());
      run.talk(2);
      await run.check();
    });
  }
});
