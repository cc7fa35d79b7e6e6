// Requests for a session that reach another node: behind the balancers of docs/guide/proxies.md, sticky and not.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { balancers } from "../lib/behind.mjs";
import { ask, client48, clients, connect, limited, next, open, pattern, pause, plain, until } from "../lib/clients.mjs";
import { backends, startNodes } from "../lib/nodes.mjs";
import { stretch } from "../lib/patience.mjs";

const old = clients.find(({ name }) => name === "2.5");
const clientsOn = async (nodes) => Promise.all(nodes.map(async (n) => (await n.stats()).clients));
const passed = async (nodes) => (await Promise.all(nodes.map((n) => n.forwards()))).reduce((sum, f) => sum + f.passed + f.spliced, 0);

/** How many have been passed on, once all clients have gone and all of it is counted. */
async function settled(nodes) {
  await until("all have gone", async () => (await clientsOn(nodes)).every((n) => n === 0));
  let n = -1;
  await until("it is counted", async () => {
    const before = n;
    await pause(20);
    return (n = await passed(nodes)) === before;
  });
  return n;
}

/** What a client does: it says and hears something, both kinds, is told to leave a room, and goes. */
async function talk(client, transport, url, options) {
  const socket = await connect(client, transport, url, "/", options);
  try {
    for (let i = 0; i < 5; i++) {
      const heard = next(socket, "echo");
      socket.emit("echo", i, "é".repeat(i * 1000));
      assert.deepEqual(await heard, [i, "é".repeat(i * 1000)]);
    }
    const heard = next(socket, "echo");
    socket.emit("echo", pattern(20_000));
    assert.deepEqual(plain(await heard), plain([pattern(20_000)]));
    assert.equal(socket.io.engine.transport.name, transport === "polling" ? "polling" : "websocket");
  } finally {
    socket.close();
  }
}

describe("two nodes of a mesh behind a balancer", () => {
  let nodes;
  before(async () => {
    const mesh = await backends.mesh.start();
    nodes = await startNodes(mesh.url, ["go", "go"], { forward: true });
  });
  after(() => Promise.all(nodes.map((n) => n.stop())));

  for (const [name, { sticky, start }] of Object.entries(balancers)) {
    test(name, { timeout: stretch(60_000) }, async (t) => {
      const balancer = await start(nodes.map((n) => n.port));
      t.after(() => balancer.stop());
      for (const client of [client48, old]) {
        for (const transport of ["polling", "websocket", "upgrade"]) {
          const earlier = await settled(nodes);
          await talk(client, transport, balancer.url, {});
          const n = await settled(nodes) - earlier;
          if (transport === "websocket" || sticky === "always") assert.equal(n, 0, `${client.name} ${transport}`);
          else assert.ok(n > 0, `${client.name} ${transport}: nothing was passed on`);
        }
      }
      if (sticky === "cookies") {
        // Browsers keep cookies; this client does if it is asked to.
        for (const transport of ["polling", "upgrade"]) {
          const earlier = await settled(nodes);
          await talk(client48, transport, balancer.url, { withCredentials: true });
          assert.equal(await settled(nodes) - earlier, 0, `${transport} with cookies`);
        }
      }
      assert.deepEqual((await Promise.all(nodes.map((n) => n.forwards()))).map(({ forged, loop, refused, unset, full }) => [forged, loop, refused, unset, full]), [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]);
    });
  }
});

for (const backend of ["redis", "streams", "nats"]) {
  test(`${backend}: polls go round three nodes, and the node of a session is killed`, { timeout: stretch(90_000) }, async (t) => {
    const broker = await backends[backend].start();
    t.after(() => broker.stop());
    const nodes = await startNodes(broker.url, ["go", "go", "go"], { forward: true, env: { CLUSTER_HEARTBEAT: `${stretch(300)},${stretch(1500)}` } });
    const left = new Set(nodes);
    t.after(() => Promise.all([...left].map((n) => n.stop())));
    const balancer = await balancers["nginx in turns"].start(nodes.slice(0, 2).map((n) => n.port));
    t.after(() => balancer.stop());
    // On the third node, which the balancer does not know: all that follows is passed on.
    const answer = await (await fetch(`${nodes[2].url}/socket.io/?EIO=4&transport=polling`)).text();
    const { sid } = JSON.parse(answer.slice(1));
    const at = `${balancer.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`;
    assert.equal(await (await fetch(at, { method: "POST", body: "40" })).text(), "ok");
    let got = "";
    while (!got.includes("welcome")) got += await (await fetch(at)).text();
    assert.match(got, /^40\{"sid":"[\w-]{16}/);
    const { served } = await nodes[2].forwards();
    const poll = fetch(at);
    await until("it waits", async () => (await nodes[2].forwards()).served > served);
    left.delete(nodes[2]);
    await nodes[2].kill();
    const res = await poll;
    assert.deepEqual([res.status, await res.json()], [400, { code: 1, message: "Session ID unknown" }]);
    // Another one, by an official client: it starts afresh on a node that is there.
    const socket = open(client48, "polling", balancer.url, "/", { reconnection: true, reconnectionDelay: 50 });
    t.after(() => socket.close());
    const [welcome] = await next(socket, "welcome");
    const own = (await clientsOn(nodes.slice(0, 2))).indexOf(1);
    left.delete(nodes[own]);
    const again = limited("it is welcome again", (resolve) => socket.on("welcome", (meta) => { if (meta.id !== welcome.id) resolve(meta); }));
    await nodes[own].kill();
    await again;
    assert.equal((await ask(socket, "fetch", ""))[0].length, 1);
  });
}

test("without an address the answer and the log say what helps, with both nodes' names", { timeout: stretch(60_000) }, async (t) => {
  const mesh = await backends.mesh.start();
  const nodes = await startNodes(mesh.url, ["go", "go"]);
  t.after(() => Promise.all(nodes.map((n) => n.stop())));
  const answer = await (await fetch(`${nodes[0].url}/socket.io/?EIO=4&transport=polling`)).text();
  const res = await fetch(`${nodes[1].url}/socket.io/?EIO=4&transport=polling&sid=${JSON.parse(answer.slice(1)).sid}`);
  const { code, message } = await res.json();
  assert.deepEqual([res.status, code], [400, 1]);
  assert.match(message, /balancer should send all requests of a session to the same node, or the nodes need --cluster-advertise/);
  await until("the log says it", () => /session's=n0 reached=n1/.test(nodes[1].log()));
});
