// Clients come back to any node: a small part of recovery.mjs, which can be run for longer, and on Node's servers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { stretch } from "../lib/patience.mjs";
import { wander } from "./recovery.mjs";

for (const backend of ["streams", "jetstream"]) test(`${backend}: clients go to and fro between two nodes in mid-traffic, and miss nothing`, { timeout: stretch(60_000) }, async () => {
  const { recovered, anew, lost, twice, moves, ...rest } = await wander(backend, ["go", "go"], { clients: 15, cuts: 4 });
  assert.deepEqual({ recovered, anew, lost, twice, false: rest.false }, { recovered: moves, anew: 0, lost: 0, twice: 0, false: 0 });
  assert.equal(moves, 60);
});

for (const backend of ["streams", "jetstream"]) test(`${backend}: a node is killed, and its clients come back to the other`, { timeout: stretch(60_000) }, async () => {
  const { recovered, lost, twice, moves, ...rest } = await wander(backend, ["go", "go"], { clients: 15, cuts: 1, kill: true });
  assert.deepEqual({ lost, twice, false: rest.false }, { lost: 0, twice: 0, false: 0 });
  assert.ok(recovered >= moves - 3, `${recovered} of ${moves} recovered`);
});
