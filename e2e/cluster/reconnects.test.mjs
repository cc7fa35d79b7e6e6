// What a client that comes back to another node costs the broker: a small part of reconnects.mjs, which can be run for more, and on Node's servers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { stretch } from "../lib/patience.mjs";
import { reconnect } from "./reconnects.mjs";

test("streams: 50 clients go over to another node, and Redis counts what it is asked", { timeout: stretch(60_000) }, async (t) => {
  const { each, by, recovered } = await reconnect("go", 50);
  t.diagnostic(`${each} commands for each client: ${JSON.stringify(by)}`);
  assert.equal(recovered, 50);
  // The node that was left stores what the client was, and is asked, and answers; the other takes the session, stores it, and once more when it is settled.
  assert.ok(each <= 7, `${each} commands for each client: ${JSON.stringify(by)}`);
});
