// The emit API of two programs that are one cluster, asked as a script would, heard by the official client.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../lib/brokers.mjs";
import { backends, startNodes } from "../lib/nodes.mjs";
import { io } from "client-4.8";
import { client48, connect, disconnected, next, until } from "../lib/clients.mjs";
import { startProgram } from "../lib/program.mjs";

const token = "a-token-that-the-log-must-not-have";
let folder, programs, sockets;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "emitapi-"));
  await writeFile(join(folder, "tokens"), token + "\n");
  const nodes = (await Promise.all([1, 2].map(freePort))).map((port) => `127.0.0.1:${port}`);
  programs = await Promise.all(nodes.map((listen) =>
    startProgram("--log", "debug", "--api-token-file", join(folder, "tokens"), "--cluster", `mesh://${nodes}`, "--cluster-listen", listen)));
  for (const program of programs) await program.says("node joined the cluster");
  sockets = programs.map((program, i) => io(program.url + "echo", { transports: [["websocket", "polling"][i]], forceNew: true }));
  await Promise.all(sockets.map((socket) => next(socket, "connect")));
  await until("all are counted", async () => (await call("fetch", { namespace: "/echo" })).body.total === 2);
});
after(async () => {
  for (const socket of sockets) socket.disconnect();
  for (const program of programs) {
    assert.equal((await program.stop()).code, 0, program.log());
    assert.ok(!program.log().includes(token) && !program.log().includes("the secret"), program.log());
  }
  await rm(folder, { recursive: true });
});

async function call(name, request, headers = { authorization: `Bearer ${token}` }, program = programs[0]) {
  const answer = await fetch(`${program.url}api/${name}`, {
    method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(request),
  });
  return { status: answer.status, body: await answer.json() };
}

test("what is emitted arrives at clients of both programs, binary too", async () => {
  const heard = Promise.all(sockets.map((socket) => next(socket, "news")));
  const { status, body } = await call("emit", { namespace: "/echo", event: "news", arguments: ["the secret", { file: { $binary: "AAEC/w==" } }] });
  assert.deepEqual([status, body], [200, { sockets: 2, nodes: 2, complete: true }]);
  for (const [text, { file }] of await heard) assert.deepEqual([text, [...file]], ["the secret", [0, 1, 2, 255]]);
});

test("one socket of the other program is told, listed and disconnected", async () => {
  const one = { namespace: "/echo", rooms: [sockets[1].id] };
  const heard = next(sockets[1], "you");
  assert.deepEqual((await call("emit", { ...one, event: "you" })).body, { sockets: 1, nodes: 1, complete: true });
  await heard;
  const { sockets: [listed], total } = (await call("fetch", one)).body;
  assert.deepEqual([total, listed.id], [1, sockets[1].id]);
  const gone = disconnected(sockets[1]);
  assert.deepEqual((await call("disconnect", one)).body, { sockets: 1, nodes: 1, complete: true });
  assert.equal(await gone, "io server disconnect");
  assert.ok(sockets[0].connected);
});

test("without a token, and with nonsense, nothing happens but a sentence", async () => {
  for (const headers of [{}, { authorization: "Bearer wrong" }]) {
    const { status, body } = await call("disconnect", { namespace: "/echo", all: true }, headers);
    assert.deepEqual([status, body.error.code], [401, "unauthorized"]);
  }
  const { status, body } = await call("emit", { event: "x", room: "lobby" });
  assert.equal(status, 400);
  assert.match(body.error.message, /"room" is no member of this call: there are namespace, rooms/);
  assert.ok(sockets[0].connected);
});

for (const backend of ["redis", "streams"]) {
  test(`beside a server of Node over ${backend}: its sockets are told, and counted`, async (t) => {
    const broker = await backends[backend].start();
    const [node] = await startNodes(broker.url, ["node"], { env: { CLUSTER_PREFIX: "emitapi" }, wait: false });
    const program = await startProgram("--api-token-file", join(folder, "tokens"), "--cluster", broker.url, "--cluster-prefix", "emitapi");
    const socket = await connect(client48, "websocket", node.url, "/");
    t.after(async () => {
      socket.disconnect();
      assert.equal((await program.stop()).code, 0, program.log());
      await node.stop();
      await broker.stop();
    });
    const ask = async (name, request) => (await call(name, request, undefined, program)).body;
    await until("the socket is known", async () => (await ask("fetch", {})).total === 1);
    const heard = next(socket, "news");
    assert.deepEqual(await ask("emit", { event: "news", arguments: [1, { $binary: "AAE=" }] }), { sockets: 1, nodes: 1, complete: true });
    assert.deepEqual((await heard).map((v) => [...(Buffer.isBuffer(v) ? v : [v])]), [[1], [0, 1]]);
    const gone = disconnected(socket);
    assert.deepEqual(await ask("disconnect", { rooms: [socket.id] }), { sockets: 1, nodes: 1, complete: true });
    assert.equal(await gone, "io server disconnect");
  });
}
