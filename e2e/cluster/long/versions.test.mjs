// Nodes of two versions in one cluster, as during a rolling upgrade: what both have works in both directions, and what only the newer has disturbs nobody.
// make test has the same of messages alone, in Go: here the fixture is built once more.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ask, ask1, disconnected, next, until } from "../../lib/clients.mjs";
import { record } from "../../lib/history.mjs";
import { backends, openOn, startNodes } from "../../lib/nodes.mjs";
import { lasts, stretch } from "../../lib/patience.mjs";
import { wander } from "../recovery.mjs";
import { roll } from "../rolling.mjs";

const id = (socket) => socket.welcome.id;
const every = ["redis", "streams", "sharded", "postgres", "nats", "mesh"];
const [some, rolled] = lasts([["redis", "mesh"], ["streams"]], [every, every]);

/** What a node says and counts of messages that it ignores: of those of a later version the number, of others none. */
async function ignored(node) {
  const { malformed, missed } = await node.account();
  const { newer = 0, ...others } = malformed;
  assert.deepEqual([Object.entries(others).filter(([, n]) => n > 0), missed], [[], 0], `${node.name}: nothing is malformed, nothing is missed`);
  assert.doesNotMatch(node.log(), /message of the cluster ignored|never came/, node.name);
  return newer;
}

/** All that the socket's node can ask of the other's and do to its sockets. */
async function uses(here, there, [us, them]) {
  const room = `of ${us.name}`;
  await ask(there, "join", room);
  await until("it is found by its room", async () => (await ask1(here, "fetch", room)).includes(id(there)));
  const heard = Promise.all([here, there].map((socket) => next(socket, "deep")));
  here.emit("relay", {}, "deep", { deep: [1, null, "é", Buffer.from([1, 2, 255])] });
  for (const [value] of await heard) assert.deepEqual([value.deep[2], [...new Uint8Array(value.deep[3])]], ["é", [1, 2, 255]]);
  there.once("q", (n, ack) => ack(n + 1));
  assert.deepEqual(await ask(here, "relayAck", { rooms: [room], timeout: stretch(8000) }, "q", 41), [null, [42]]);
  const [err, [full]] = await ask(here, "fetchFull", { room });
  assert.deepEqual([err, full.id, full.rooms], [null, id(there), [id(there), room].sort()]);
  assert.deepEqual(await ask(here, "serverSideAsk", "question", [{}]), [null, [[them.name]]]);
  await ask(here, "serverSideEmit", "note", [us.name, "n"]);
  await until("the other server has it", async () => (await ask1(there, "notes")).some(([from]) => from === us.name));
  await ask(here, "socketsJoin", room, `${room} too`);
  await until("it has joined", async () => (await ask1(here, "fetch", `${room} too`)).includes(id(there)));
  await ask(here, "socketsLeave", room, `${room} too`);
  await until("it has left", async () => (await ask1(here, "fetch", `${room} too`)).length === 0);
}

/** A session of one node is polled at the other. */
async function forwards(at, by) {
  const query = "/socket.io/?EIO=4&transport=polling";
  const opened = await (await fetch(at.url + query)).text();
  const { sid } = JSON.parse(opened.slice(1));
  await fetch(`${by.url}${query}&sid=${sid}`, { method: "POST", body: "40" });
  const polled = await (await fetch(`${by.url}${query}&sid=${sid}`)).text();
  assert.match(polled, /^40\{"sid":/, `what ${by.name} passes on to ${at.name}`);
  assert.ok((await by.forwards()).passed >= 2);
}

describe("two versions", { concurrency: 2 }, () => {
  for (const backend of some) {
    test(`${backend}: an older and a newer node do everything for one another`, { timeout: stretch(90_000) }, async (t) => {
      const broker = await backends[backend].start();
      t.after(() => broker.stop());
      const nodes = await startNodes(broker.url, ["go", "newer"], { forward: true });
      t.after(() => Promise.all(nodes.map((n) => n.stop())));
      await until("they know one another by their hellos", () => nodes.every((n) => n.told.some((e) => e.Kind === "found")));
      const sockets = await openOn(nodes, [0, 1]);
      const [a, b] = await openOn(nodes, [0, 1]);
      t.after(() => [...sockets, a, b].forEach((socket) => socket.close()));
      const run = await record(t, backend, nodes, sockets, { safe: true });
      await uses(a, b, nodes);
      await uses(b, a, [nodes[1], nodes[0]]);
      await forwards(nodes[0], nodes[1]);
      await forwards(nodes[1], nodes[0]);
      const gone = disconnected(b);
      a.emit("kick", id(b), false);
      assert.equal(await gone, "io server disconnect");
      await run.check();
      const [older, newer] = [await ignored(nodes[0]), await ignored(nodes[1])];
      t.diagnostic(`${backend}: the older one has ignored ${older} messages of kinds that it does not know`);
      const heard = [...run.parties[0].got.keys()].filter((name) => name.startsWith("c1-")).length; // of the newer one, with something unknown each
      assert.ok(heard > 0 && older >= heard && newer === 0, `the older has heard ${heard}, and has ignored ${older}, the newer ${newer}`);
      assert.doesNotMatch(nodes[1].log(), /it glows/, "what the older does not know is not sent while it is there");
    });
  }

  for (const backend of rolled) {
    test(`${backend}: three nodes are upgraded one after the other, and nobody misses anything`, { timeout: stretch(90_000) }, async () => {
      const glows = [];
      const look = async (node) => {
        const newer = await ignored(node);
        if (node.kind === "newer") assert.equal(newer, 0);
        glows.push(/it glows/.test(node.log()));
      };
      const { moves, recovered, lost, twice, wrong } = await roll(backend, { clients: 20, to: "newer", look });
      assert.deepEqual(wrong.slice(0, 5), [], "the history may be");
      assert.deepEqual({ recovered, lost, twice }, { recovered: moves, lost: 0, twice: 0 });
      assert.deepEqual(glows, [false, false, false, true, true, true], "what only the newer have begins when all are newer");
    });
  }

  for (const backend of lasts([], ["streams", "jetstream", "mesh-log"])) {
    test(`${backend}: clients go to and fro between nodes of two versions in mid-traffic, and miss nothing`, { timeout: stretch(90_000) }, async () => {
      const kinds = backends[backend].least === 3 ? ["go", "newer", "go"] : ["go", "newer"];
      const { moves, recovered, lost, twice, wrong } = await wander(backend, kinds, { clients: 15, cuts: 4 });
      assert.deepEqual(wrong.slice(0, 5), [], "the history may be");
      assert.deepEqual({ recovered, lost, twice }, { recovered: moves, lost: 0, twice: 0 });
    });
  }
});
