// What a client that comes back to another node costs the broker: a small part of reconnects.mjs, which can be run for more, and on Node's servers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { stretch } from "../lib/patience.mjs";
import { reconnect } from "./reconnects.mjs";

for (const kill of [false, true]) {
  test(`streams: 100 clients go over to another node as theirs ${kill ? "is killed" : "lives on"}, and Redis counts what it is asked`, { timeout: stretch(60_000) }, async (t) => {
    const { each, by, recovered } = await reconnect("go", 100, { within: 200, kill });
    t.diagnostic(`${each} commands for each client: ${JSON.stringify(by)}`);
    assert.equal(recovered, 100);
    // Each is stored once. They are looked for together, and the node that was left is asked for them together.
    assert.ok(each <= 2, `${each} commands for each client: ${JSON.stringify(by)}`);
  });
}
