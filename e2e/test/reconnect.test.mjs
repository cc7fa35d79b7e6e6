// Reconnection: after the server restarts, after the network was cut, and with at-least-once delivery.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer, underTest } from "../lib/server.mjs";
import { startProxy } from "../lib/proxy.mjs";
import { cell, crossed } from "../lib/cell.mjs";
import { ask, ask1, client48, clients, connect, disconnected, next, open, transports, until } from "../lib/clients.mjs";

const fast = { reconnection: true, reconnectionDelay: 30, reconnectionDelayMax: 100, randomizationFactor: 0 };
const server = await startServer("main");
after(() => server.stop());

for (const client of clients) for (const transport of Object.keys(transports)) {
  crossed(client, transport, "reconnect", "the server stops and comes back", async (use) => {
    let own = await startServer("main");
    const { port } = own;
    try {
      const socket = use(await connect(client, transport, own.url, "/", fast));
      const lost = disconnected(socket);
      assert.equal(await own.stop(), 0, "exit code after SIGTERM");
      // Node leaves polling clients without a close packet.
      const expected = underTest === "sockeye" || transport !== "polling" ? /^transport close$/ : /^transport (close|error)$/;
      assert.match(await lost, expected);
      const back = next(socket, "welcome");
      own = await startServer("main", { port });
      const [again] = await back;
      assert.notEqual(again.id, socket.welcome.id);
      assert.equal(await ask1(socket, "echo", "back"), "back");
    } finally {
      await own.kill();
    }
  });
}

for (const transport of ["polling", "websocket"]) {
  cell(client48, transport, "reconnect", "the network is cut", async (use) => {
    const proxy = await startProxy(server.port);
    try {
      const socket = use(await connect(client48, transport, proxy.url, "/", fast));
      const lost = disconnected(socket);
      proxy.refuse(true);
      proxy.cut();
      assert.match(await lost, /^transport (close|error)$/);
      const witness = use(await connect(client48, "websocket", server.url));
      // A cut poll is noticed at once, one cut between two polls by the heartbeat.
      const reason = await until("the server has noticed", () => ask1(witness, "reasonOf", socket.welcome.id));
      assert.match(reason, /^transport (close|error)$|^ping timeout$/);
      const back = next(socket, "welcome");
      proxy.refuse(false);
      await back;
      assert.equal(await ask1(socket, "echo", 1), 1);
    } finally {
      proxy.stop();
    }
  });
  cell(client48, transport, "reconnect", "at least once: retries until acknowledged, in order", async (use) => {
    const proxy = await startProxy(server.port);
    try {
      const socket = use(open(client48, transport, proxy.url, "/", { ...fast, retries: 50, ackTimeout: 200 }));
      await next(socket, "welcome");
      const answers = [];
      const all = until("every event is acknowledged", () => answers.length === 30);
      for (let i = 0; i < 30; i++) {
        socket.emit("echo", i, (err, value) => answers.push(err ?? value));
        if (i === 10) { proxy.refuse(true); proxy.cut(); setTimeout(() => proxy.refuse(false), 150); }
      }
      await all;
      assert.deepEqual(answers, Array.from({ length: 30 }, (_, i) => i));
    } finally {
      proxy.stop();
    }
  });
}
cell(client48, "websocket", "reconnect", "not after the server said goodbye", async (use) => {
  const socket = use(await connect(client48, "websocket", server.url, "/", fast));
  const lost = disconnected(socket);
  socket.emit("bye", false);
  assert.equal(await lost, "io server disconnect");
  assert.equal(socket.active, false);
});
cell(client48, "websocket", "reconnect", "by hand, with the same socket object", async (use) => {
  const socket = use(await connect(client48, "websocket", server.url, "/"));
  socket.disconnect();
  const back = next(socket, "welcome");
  socket.connect();
  await back;
  assert.deepEqual(await ask(socket, "echo", 5), [5]);
});
