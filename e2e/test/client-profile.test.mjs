// Profile client: what the official client's own tests ask of a server.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer } from "../lib/server.mjs";
import { cell } from "../lib/cell.mjs";
import { ask, ask1, client48, limited, next, open, plain, transports } from "../lib/clients.mjs";

const server = await startServer("client");
after(() => server.stop());
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

for (const transport of Object.keys(transports)) {
  const it = (area, title, body) => cell(client48, transport, area, title, (use) =>
    body((nsp, options) => use(open(client48, transport, server.url, nsp, options))));
  // Recovery is on: events carry their offset as one more argument.
  const event = async (socket, name) => (await next(socket, name)).slice(0, -1);
  const asked = (socket, name, answer, ...args) => {
    const answered = event(socket, answer);
    socket.emit(name, ...args);
    return answered;
  };

  it("connect", "refused by the middleware of / and of /no", async (join) => {
    assert.equal((await next(join("/", { query: { fail: "true" } }), "connect_error"))[0].message, "Auth failed (main namespace)");
    assert.equal((await next(join("/no"), "connect_error"))[0].message, "Auth failed (custom namespace)");
  });
  it("connect", "the namespaces exist", async (join) => {
    for (const nsp of ["/foo", "/abc", "/timeout_socket", "/valid", "/asd"]) await next(join(nsp), "connect");
    const foo = join("/foo");
    await next(foo, "connect");
    assert.equal(await ask1(foo, "getId"), foo.id);
  });
  it("connect", "/abc tells the whole handshake", async (join) => {
    const socket = join("/abc", { query: { b: "2", "&a": "&=?a" }, auth: { token: "x" } });
    const [handshake] = await next(socket, "handshake");
    assert.deepEqual(Object.keys(handshake).sort(), ["address", "auth", "headers", "issued", "query", "secure", "time", "url", "xdomain"]);
    assert.deepEqual([handshake.query.b, handshake.query["&a"], handshake.auth], ["2", "&=?a", { token: "x" }]);
    assert.deepEqual([handshake.secure, handshake.xdomain], [false, false]);
    assert.match(handshake.headers.host, /^127\.0\.0\.1:\d+$/);
    const root = join("/", { auth: { token: "y" } });
    assert.deepEqual((await ask1(root, "getHandshake")).auth, { token: "y" });
    assert.equal(await ask1(root, "getId"), root.id);
  });
  it("acks", "both ways, dates", async (join) => {
    const socket = join("/");
    assert.deepEqual(await ask(socket, "echo", "foo"), ["foo"]);
    assert.match(await ask1(socket, "getAckDate", { test: true }), iso);
    const got = limited("got it", (resolve) => socket.on("got it", resolve));
    socket.on("ack", (cb) => cb(5, { test: true }));
    socket.emit("ack");
    await got;
  });
  it("events", "hi, false, dates, UTF-8", async (join) => {
    const socket = join("/");
    assert.deepEqual(await asked(socket, "hi", "hi"), []);
    assert.deepEqual(await asked(socket, "false", "false"), [false]);
    assert.match((await asked(socket, "getDate", "takeDate"))[0], iso);
    assert.match((await asked(socket, "getDateObj", "takeDateObj"))[0].date, iso);
    const texts = [];
    const all = limited("five texts", (resolve) => socket.on("takeUtf8", (text) => texts.push(text) === 5 && resolve()));
    socket.emit("getUtf8");
    await all;
    assert.deepEqual(texts, ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"]);
  });
  it("binary", "every exchange", async (join) => {
    const socket = join("/");
    const bytes = Buffer.from("asdfasdf");
    assert.deepEqual(plain(await asked(socket, "doge", "doge")), plain([bytes]));
    assert.deepEqual(plain(await asked(socket, "getbin", "takebin")), plain([bytes]));
    await asked(socket, "buffa", "buffack", bytes);
    await asked(socket, "jsonbuff", "jsonbuff-ack", { hello: "lol", message: bytes, goodbye: "gotcha" });
    socket.emit("abuff1", bytes);
    await asked(socket, "abuff2", "abuff2-ack", "please arrive second");
    await asked(socket, "blob", "back", bytes);
    await asked(socket, "jsonblob", "jsonblob-ack", { hello: "lol", message: bytes, goodbye: "gotcha" });
    socket.emit("blob1", bytes);
    socket.emit("blob2", "second");
    await asked(socket, "blob3", "blob3-ack", bytes);
  });
}
