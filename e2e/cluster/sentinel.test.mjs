// A master of Redis is killed while clients send, and the Sentinels have its replica take over.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, startSentinels } from "../lib/brokers.mjs";
import { slow, stretch } from "../lib/patience.mjs";
import { traffic } from "../lib/traffic.mjs";

test("Sentinels: the master is killed, and its replica takes over, on all formats", { timeout: stretch(120_000) }, async (t) => {
  const brokers = await startSentinels();
  t.after(() => brokers.stop());
  const runs = {};
  await Promise.all(["redis", "redis+streams", "redis+sharded"].map(async (scheme) => {
    runs[scheme] = await traffic(t, scheme.split("+").at(-1), `${scheme}://${brokers.address}?sentinel=mymaster`);
  }));
  await brokers.master.stop();
  await asked(brokers.replica, "the replica is master", async (say) => (await say("ROLE"))[0] === "master");
  const promoted = Date.now();
  await Promise.all(Object.keys(runs).map((scheme) => runs[scheme].flows(scheme)));
  const took = Date.now() - promoted;
  assert.ok(took < 5000 * slow, `heard again ${took} ms after the promotion`);
  await Promise.all(Object.keys(runs).map(async (scheme) => t.diagnostic(`${scheme}: heard again after ${took} ms, ${await runs[scheme].stop(scheme)} missing`)));
});
