// Traffic over two nodes whose broker fails over: what is missing is counted, the rest comes in order and once.
import assert from "node:assert/strict";
import { ask1, until } from "./clients.mjs";
import { record } from "./history.mjs";
import { openOn, startNodes } from "./nodes.mjs";
import { stretch } from "./patience.mjs";

/** Two nodes with a socket each, which emit to a room and to everybody all the time. */
export async function traffic(t, backend, url) {
  const nodes = await startNodes(url, ["go", "go"], { env: { CLUSTER_HEARTBEAT: `${stretch(300)},${stretch(10_000)}` } });
  t.after(() => Promise.all(nodes.map((n) => n.stop())));
  const sockets = await openOn(nodes, [0, 1]);
  t.after(() => sockets.forEach((socket) => socket.close()));
  const run = await record(t, backend, nodes, sockets);
  return {
    async flows(what) {
      await Promise.all(["room", ""].map((to) => run.hears(1, 0, what, to)));
    },
    async stop(what) {
      await run.check(what);
      await until(`${what}: both are found`, async () => (await ask1(sockets[0], "fetch", "room")).length === 2);
      const [missing, counted] = [run.missing(1, 0).length, run.counted(1, 0)];
      assert.ok(counted >= missing, `${what}: ${missing} are missing, ${counted} are counted`);
      return missing;
    },
  };
}
