// Every way to part, with the reason each side is told.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer } from "../lib/server.mjs";
import { crossed } from "../lib/cell.mjs";
import { ask, ask1, clients, collect, connect, disconnected, transports, until } from "../lib/clients.mjs";

const server = await startServer("main");
after(() => server.stop());

for (const client of clients) for (const transport of Object.keys(transports)) {
  const it = (title, body) => crossed(client, transport, "disconnect", title, async (use) => {
    const open = async (nsp) => use(await connect(client, transport, server.url, nsp));
    const [socket, witness] = await Promise.all([open("/"), open("/chat")]);
    await body(socket, (id) => ask1(witness, "reasonOf", id), open);
  });

  it("by the client", async (socket, reasonOf) => {
    const id = socket.id;
    socket.disconnect();
    // 1.x and 2.x close the connection, later ones leave the namespace first.
    assert.match(await reasonOf(id), /^(client namespace disconnect|transport close)$/);
  });
  it("by the server, the namespace", async (socket, reasonOf) => {
    const id = socket.id;
    const left = disconnected(socket);
    socket.emit("bye", false);
    assert.equal(await left, "io server disconnect");
    assert.equal(await reasonOf(id), "server namespace disconnect");
  });
  it("by the server, the connection", async (socket, reasonOf) => {
    const id = socket.id;
    const left = disconnected(socket);
    socket.emit("bye", true);
    assert.match(await left, /^(io server disconnect|transport close|transport error)$/);
    assert.match(await reasonOf(id), /^(server namespace disconnect|forced server close)$/);
  });
  it("engine close", async (socket, reasonOf) => {
    const id = socket.id;
    const left = disconnected(socket);
    socket.emit("dropTransport");
    assert.equal(await left, "transport close");
    assert.equal(await reasonOf(id), "forced close");
  });
  it("engine close after an ack", async (socket, reasonOf) => {
    const id = socket.id;
    const left = disconnected(socket);
    assert.deepEqual(await ask(socket, "dropTransportAfterAck"), []);
    assert.equal(await left, "transport close");
    assert.equal(await reasonOf(id), "forced close");
  });
  it("what was sent before the end arrives", async (socket) => {
    const seq = collect(socket, "seq", 200);
    const left = disconnected(socket);
    socket.emit("burst", 200, 100, "t");
    socket.emit("bye", false);
    assert.deepEqual((await seq).map(([, i]) => i), Array.from({ length: 200 }, (_, i) => i));
    assert.equal(await left, "io server disconnect");
  });
  if (client.name === "4.8" || client.name === "2.5") it("an unknown id has no reason, a connected one neither", async (socket, reasonOf) => {
    const started = Date.now();
    assert.deepEqual(await Promise.all([reasonOf("nobody"), reasonOf(socket.id)]), [null, null]);
    assert.ok(Date.now() - started >= 2900, "answered before 3 s");
  });
  it("the server forgets the session", async (socket) => {
    const stats = async () => (await fetch(`${server.url}/stats`)).json();
    const { clients } = await stats();
    assert.ok(clients >= 2, `${clients} sessions`);
    socket.close();
    await until("one session is gone", async () => (await stats()).clients < clients);
  });
}
