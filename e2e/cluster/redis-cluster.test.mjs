// Slots and masters of a Redis Cluster change while clients send.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, startCluster } from "../lib/brokers.mjs";
import { slow, stretch } from "../lib/patience.mjs";
import { traffic } from "../lib/traffic.mjs";

test("Redis Cluster: a slot moves, a replica takes over when asked, and the new master is killed", { timeout: stretch(120_000) }, async (t) => {
  const cluster = await startCluster(1);
  t.after(() => cluster.stop());
  const run = await traffic(t, "sharded-cluster", `redis+sharded://${cluster.address}`);
  const say = (broker, ...words) => asked(broker, words.join(" "), async (send) => (await send(...words)) ?? "");
  const ids = await Promise.all(cluster.masters.map((m) => say(m, "CLUSTER", "MYID")));
  const within = async (what, since) => {
    await run.flows(what);
    const took = Date.now() - since;
    assert.ok(took < 5000 * slow, `${what}: heard again after ${took} ms`);
    t.diagnostic(`${what}: heard again after ${took} ms`);
  };
  const channels = new Set();
  for (const m of cluster.masters) for (const c of await say(m, "PUBSUB", "SHARDCHANNELS")) channels.add(c);
  const home = [...channels].find((c) => c.endsWith("#room#"));
  const slot = await say(cluster.masters[0], "CLUSTER", "KEYSLOT", home);
  const from = Math.floor(slot * 3 / 16384);
  const to = (from + 1) % 3;
  await say(cluster.masters[to], "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from]);
  await say(cluster.masters[from], "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to]);
  for (const i of [to, from, 3 - to - from]) await say(cluster.masters[i], "CLUSTER", "SETSLOT", slot, "NODE", ids[to]);
  await within("a slot has moved", Date.now());

  const [first, replica] = [cluster.masters[0], cluster.replicas[0]];
  await say(replica, "CLUSTER", "FAILOVER");
  await asked(replica, "the replica is master", async (send) => (await send("ROLE"))[0] === "master");
  await within("CLUSTER FAILOVER", Date.now());

  await asked(first, "the old master follows", async (send) => (await send("INFO", "replication")).includes("master_link_status:up"));
  await replica.stop();
  await asked(first, "it is master again", async (send) => (await send("ROLE"))[0] === "master");
  await within("a master was killed", Date.now());
  t.diagnostic(`${await run.stop("in all")} missing`);
});
