// A rolling restart of three nodes under load, on every backend: a small part of rolling.mjs, which can be run with more clients (make rolling).
import assert from "node:assert/strict";
import { test } from "node:test";
import { stretch } from "../lib/patience.mjs";
import { roll } from "./rolling.mjs";

for (const backend of ["redis", "streams", "sharded", "postgres", "nats", "mesh"]) {
  test(`${backend}: three nodes are restarted one after the other, and nobody misses anything or starts anew`, { timeout: stretch(60_000) }, async () => {
    const { moves, recovered, anew, lost, twice, false: wrong } = await roll(backend, { clients: 30 });
    assert.deepEqual({ recovered, anew, lost, twice, wrong }, { recovered: moves, anew: 0, lost: 0, twice: 0, wrong: 0 });
    assert.ok(moves >= 30, `${moves} came back`);
  });
}
