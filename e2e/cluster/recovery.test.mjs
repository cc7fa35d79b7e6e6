// Clients come back to any node: a small part of recovery.mjs, which can be run for longer, and on Node's servers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { stretch, whole } from "../lib/patience.mjs";
import { backends } from "../lib/nodes.mjs";
import { wander } from "./recovery.mjs";

const logs = ["streams", "jetstream", "mesh-log"];
const nodes = (backend) => Array(backends[backend].least ?? 2).fill("go");

for (const backend of logs) test(`${backend}: clients go to and fro between nodes in mid-traffic, and miss nothing`, { timeout: stretch(90_000) }, async () => {
  const { recovered, anew, lost, twice, moves, false: bad, wrong } = await wander(backend, nodes(backend), { clients: 15, cuts: 4 });
  assert.deepEqual(wrong.slice(0, 5), [], "the history may be");
  assert.deepEqual({ recovered, anew, lost, twice, false: bad }, { recovered: moves, anew: 0, lost: 0, twice: 0, false: 0 });
  assert.equal(moves, 60);
});

for (const backend of whole ? logs : ["streams"]) test(`${backend}: a node is killed, and its clients come back to another`, { timeout: stretch(90_000) }, async () => {
  const { recovered, lost, twice, moves, false: bad, wrong } = await wander(backend, nodes(backend), { clients: 15, cuts: 1, kill: true });
  assert.deepEqual(wrong.slice(0, 5), [], "the history may be");
  assert.deepEqual({ lost, twice, false: bad }, { lost: 0, twice: 0, false: 0 });
  // A mesh has lost a part of its log with the node, and asks nobody until the rest has agreed on another leader.
  if (backend !== "mesh-log") assert.ok(recovered >= moves - 3, `${recovered} of ${moves} recovered`);
});
