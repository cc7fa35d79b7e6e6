// Profile strict: short limits, and what happens at them.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer } from "../lib/server.mjs";
import { Polling, rawSocket } from "../lib/raw.mjs";
import { cell, crossed } from "../lib/cell.mjs";
import { ask1, clients, connect, disconnected, next, open, pause, refused, until } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const server = await startServer("strict");
after(() => server.stop());
const base = `${server.url}/socket.io/`;
const modern = clients.filter(({ eio }) => eio === 4);
const ws = () => rawSocket(`${base}?EIO=4&transport=websocket`);

for (const client of modern) for (const transport of ["polling", "websocket", "upgrade"]) {
  crossed(client, transport, "heartbeat", "lives through several intervals", async (use) => {
    const socket = use(await connect(client, transport, server.url));
    await pause(1500);
    assert.equal(socket.connected, true);
    assert.equal(await ask1(socket, "echo", "alive"), "alive");
  });
  crossed(client, transport, "limits", "a message over maxHttpBufferSize ends the connection", async (use) => {
    const socket = use(await connect(client, transport, server.url));
    const witness = use(await connect(client, "websocket", server.url));
    const { id } = socket;
    const gone = disconnected(socket);
    socket.emit("echo", "x".repeat(2000));
    assert.match(await gone, /^transport (error|close)$/);
    assert.match(await ask1(witness, "reasonOf", id), /^transport (error|close)$/);
    assert.equal(await ask1(witness, "echo", "unharmed"), "unharmed");
  });
  crossed(client, transport, "middleware", "slow ones do not count against the connect timeout of others", async (use) => {
    const socket = use(await connect(client, transport, server.url, "/slow"));
    assert.equal(await ask1(socket, "echo", 1), 1);
  });
}
// The WebSocket of 1.4 throws when it is refused.
for (const client of clients.filter(({ eio }) => eio === 3)) for (const transport of client.since(1.7) ? ["polling", "websocket"] : ["polling"]) {
  cell(client, transport, "connect", "refused where EIO 3 is not allowed", async (use) => {
    const socket = use(open(client, transport, server.url));
    await Promise.race([next(socket, "connect_error"), next(socket, "welcome").then(() => assert.fail("let in"))]);
  });
}
cell("raw", "websocket", "heartbeat", "a silent client is a ping timeout", async (use) => {
  const silent = use(ws());
  await silent.next();
  silent.send("40");
  const { sid } = JSON.parse((await silent.next()).slice(2));
  const witness = use(await connect(modern[0], "websocket", server.url));
  const started = Date.now();
  await silent.closed;
  const took = Date.now() - started;
  assert.ok(took >= stretch(1000) && took < stretch(8000), `${took} ms`);
  assert.equal(await ask1(witness, "reasonOf", sid), "ping timeout");
});
cell("raw", "polling", "heartbeat", "a client that vanished is a ping timeout", async (use) => {
  const s = new Polling(base);
  await s.connect();
  await (await s.post("40")).text();
  const [, sid] = /"sid":"([^"]+)"/.exec(await s.pollText());
  const witness = use(await connect(modern[0], "websocket", server.url));
  assert.equal(await until("the server has noticed", () => ask1(witness, "reasonOf", sid)), "ping timeout");
});
cell("raw", "websocket", "limits", "no CONNECT in time closes the connection", async (use) => {
  const s = use(ws());
  await s.next();
  const started = Date.now();
  await s.closed;
  const took = Date.now() - started;
  assert.ok(took >= stretch(250) && took < stretch(5000), `${took} ms`);
});
cell("raw", "upgrade", "limits", "an upgrade that is not finished in time", async (use) => {
  const s = new Polling(base);
  await s.connect();
  await (await s.post("40")).text();
  const socket = use(s.webSocket());
  await socket.opened;
  socket.send("2probe");
  assert.equal(await socket.next(), "3probe");
  const started = Date.now();
  await socket.closed;
  assert.ok(Date.now() - started >= stretch(250));
  // Polling goes on.
  let got = "";
  while (!got.includes("welcome")) {
    got = await s.pollText();
    if (got.startsWith("2")) await (await s.post("3")).text();
  }
});
cell(modern[0], "polling", "auth", "refusals as in main", async () => {
  assert.deepEqual(await refused(modern[0], "polling", server.url, "/auth"), { message: "unauthorized", data: { status: 401 } });
});
