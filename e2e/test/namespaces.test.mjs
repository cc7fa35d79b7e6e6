// Namespaces, their middleware, refusals and authentication.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer } from "../lib/server.mjs";
import { crossed } from "../lib/cell.mjs";
import { ask1, clients, connect, next, open, refused, transports } from "../lib/clients.mjs";

const server = await startServer("main");
after(() => server.stop());

for (const client of clients) for (const transport of Object.keys(transports)) {
  const it = (area, title, body) => crossed(client, transport, area, title, (use) =>
    body(async (nsp, options) => use(await connect(client, transport, server.url, nsp, options))));
  const refusal = (nsp, options) => refused(client, transport, server.url, nsp, options);
  // 1.4 has no query of a namespace, only the connection's.
  const namespaceAuth = client.since(1.7);
  const auth = (socket) => socket.welcome.auth;

  it("namespaces", "each has its own sockets", async (open) => {
    for (const nsp of ["/chat", "/slow", "/dyn-7", "/dyn-007"]) {
      const socket = await open(nsp);
      const info = await ask1(socket, "info");
      assert.equal(info.nsp, nsp);
      assert.deepEqual(info.rooms, [info.id]);
      if (client.eio === 3) assert.equal(info.id, `${nsp}#${info.connId}`);
      if (client.since(2)) assert.equal(socket.id, info.id); // 1.x knows its engine id only
      assert.deepEqual(await ask1(socket, "echo", "hello"), "hello");
    }
  });
  it("namespaces", "two on one connection", async () => {
    const root = open(client, transport, server.url);
    const chat = root.io.socket("/chat");
    chat.connect();
    try {
      const [[a], [b]] = await Promise.all([next(root, "welcome"), next(chat, "welcome")]);
      assert.equal(a.connId, b.connId);
      assert.notEqual(a.id, b.id);
      assert.deepEqual([a.nsp, b.nsp], ["/", "/chat"]);
      // Leaving one keeps the other.
      const left = ask1(root, "reasonOf", b.id);
      chat.disconnect();
      assert.equal(await left, "client namespace disconnect");
      assert.equal(await ask1(root, "echo", 1), 1);
    } finally {
      chat.close();
      root.close();
    }
  });
  it("namespaces", "unknown ones are refused", async () => {
    for (const nsp of ["/nope", "/dyn-x", "/dyn-", "/tenant/acme"]) {
      const { message } = await refusal(nsp);
      assert.equal(message, "Invalid namespace", nsp);
    }
  });
  if (namespaceAuth) it("namespaces", "by function, with the auth", async (open) => {
    const socket = await open("/tenant/acme", { auth: { tenant: "acme" } });
    assert.equal(auth(socket).tenant, "acme");
    assert.equal((await ask1(socket, "info")).nsp, "/tenant/acme");
    assert.equal((await refusal("/tenant/acme", { auth: { tenant: "other" } })).message, "Invalid namespace");
  });

  it("auth", "with the token", async (open) => {
    const socket = await open("/auth", { auth: { token: "s3cret" } });
    if (namespaceAuth) assert.deepEqual(auth(socket), { token: "s3cret" });
    assert.equal(await ask1(socket, "echo", "in"), "in");
  });
  it("auth", "by the query too", async (open) => {
    const socket = await open("/auth", { query: { token: "s3cret" } });
    assert.equal(await ask1(socket, "echo", "in"), "in");
  });
  it("auth", "without or with a wrong token", async () => {
    for (const options of [{}, { auth: { token: "guess" } }]) {
      const { message, data } = await refusal("/auth", options);
      if (client.eio === 4) assert.equal(message, "unauthorized");
      assert.deepEqual(data, { status: 401 });
    }
  });
  if (client.eio === 4) it("auth", "any JSON in it, also from a function", async () => {
    const value = { user: { name: "ünï", tags: [1, null, "x"] }, big: "y".repeat(5000) };
    for (const given of [value, (send) => send(value)]) {
      const socket = await connect(client, transport, server.url, "/chat", { auth: given });
      assert.deepEqual((await ask1(socket, "info")).auth, value);
      socket.close();
    }
  });

  it("middleware", "refuses with data", async () => {
    const { message, data } = await refusal("/", { auth: { deny: "1" } });
    if (client.eio === 4) assert.equal(message, "not allowed");
    assert.deepEqual(data, { code: "E_DENY", details: { retry: false } });
  });
  it("middleware", "refuses with a bare message", async () => {
    assert.deepEqual(await refusal("/", { auth: { denyPlain: "1" } }), { message: "plain refusal", data: undefined });
  });
  it("middleware", "waits", async () => {
    const started = Date.now();
    const socket = open(client, transport, server.url, "/", { auth: { delay: "120" } });
    await next(socket, "welcome");
    assert.ok(Date.now() - started >= 115, "let in too early");
    socket.close();
  });
}
