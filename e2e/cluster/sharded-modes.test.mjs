// Sharded Redis in its other modes, ours with Node's: which rooms have a channel of their own must be the same on both.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asked } from "../lib/brokers.mjs";
import { ask, ask1, until } from "../lib/clients.mjs";
import { backends, openOn, startNodes } from "../lib/nodes.mjs";
import { stretch } from "../lib/patience.mjs";

describe("modes of sharded Redis", { concurrency: true }, () => {
  for (const mode of ["static", "dynamic-private"]) {
    test(`${mode}: ours and Node's hear one another, in rooms and in single sockets' rooms`, { timeout: stretch(60_000) }, async (t) => {
      const broker = await backends.sharded.start();
      t.after(() => broker.stop());
      const nodes = await startNodes(`${broker.url}?subscribe=${mode}`, ["go", "node"]);
      t.after(() => Promise.all(nodes.map((n) => n.stop())));
      const sockets = await openOn(nodes, [0, 1]);
      t.after(() => sockets.forEach((socket) => socket.close()));
      for (const [i, here] of sockets.entries()) {
        const there = sockets[1 - i], got = [];
        const id = there.welcome.id;
        there.on("x", (text) => got.push(text));
        await ask(there, "join", `room ${i}`);
        // Its node may not have subscribed yet: that may be missed, and only that.
        await until("the room is heard", () => { if (!got.includes("first")) here.emit("relay", { rooms: [`room ${i}`] }, "x", "first"); return got.includes("first"); });
        await until("its own room is heard", () => { if (!got.includes("own")) here.emit("relay", { rooms: [id] }, "x", "own"); return got.includes("own"); });
        got.length = 0;
        const sent = Array.from({ length: 20 }, (_, n) => [{ rooms: [`room ${i}`] }, { rooms: [id] }, { rooms: [`room ${i}`, "other"] }, {}].map((to, k) => [to, `${k} ${n}`])).flat();
        for (const [to, text] of sent) here.emit("relay", to, "x", text);
        here.emit("relay", { rooms: ["other"] }, "x", "not for it");
        await until("all of it has come", () => got.filter((text) => /^\d/.test(text)).length >= sent.length);
        for (let k = 0; k < 4; k++) assert.deepEqual(got.filter((text) => text.startsWith(`${k} `)), sent.map(([, text]) => text).filter((text) => text.startsWith(`${k} `)), "in order and once");
        assert.ok(!got.includes("not for it"));
        assert.deepEqual(await ask1(here, "fetch", `room ${i}`), [id]);
        await ask(there, "leave", `room ${i}`);
      }
      // Where a mode has no channel for single sockets, or for rooms, neither side has one.
      const channels = await asked(broker.broker, "the channels", (say) => say("PUBSUB", "SHARDCHANNELS"));
      const own = sockets.filter(({ welcome: { id } }) => channels.some((c) => c.endsWith(`#${id}#`))).length;
      assert.equal(own, mode === "static" ? 0 : 2, channels.join());
    });
  }
});
