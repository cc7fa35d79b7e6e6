// A rolling restart of three nodes under load, on every backend (in make test on two of them): a small part of rolling.mjs, which can be run with more
// clients (make rolling).
import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "../lib/history.mjs";
import { doctored } from "../lib/journal.mjs";
import { stretch, whole } from "../lib/patience.mjs";
import { roll } from "./rolling.mjs";

const backends = whole ? ["redis", "streams", "sharded", "postgres", "nats", "mesh"] : ["redis", "mesh"];

for (const backend of backends) {
  test(`${backend}: three nodes are restarted one after the other, and nobody misses anything or starts anew`, { timeout: stretch(60_000) }, async () => {
    const { moves, recovered, anew, lost, twice, false: bad, wrong, all, rules } = await roll(backend, { clients: 30 });
    assert.deepEqual(wrong.slice(0, 5), [], "the history may be");
    assert.deepEqual({ recovered, anew, lost, twice, bad }, { recovered: moves, anew: 0, lost: 0, twice: 0, bad: 0 });
    assert.ok(moves >= 30, `${moves} came back`);
    if (backend !== backends[0]) return;
    // The one who decides on all of these would have noticed.
    for (const [what, history] of doctored(all)) assert.ok((await decide(history, rules)).length > 0, `a history is refused that has ${what}`);
  });
}
