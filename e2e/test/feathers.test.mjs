// Feathers' client, unchanged: its services are events with acks, and what they tell is events again.
// The same tests hold for Feathers' own server (E2E_SERVER=reference).
import { after } from "node:test";
import assert from "node:assert/strict";
import { feathers } from "@feathersjs/feathers";
import socketio from "@feathersjs/socketio-client";
import errors from "@feathersjs/errors";
import { startServer } from "../lib/server.mjs";
import { crossed } from "../lib/cell.mjs";
import { clients, limited, open, pattern, plain, transports, upgraded } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const server = await startServer("feathers");
after(() => server.stop());

/** Opens Feathers' client on a socket of ours; its calls may begin before the socket is connected. */
function app(use, client, transport, options) {
  const socket = use(open(client, transport, server.url, "/", options));
  const connection = socketio(socket);
  const made = feathers();
  made.configure(connection);
  made.use("messages", connection.service("messages"), { methods: ["find", "get", "create", "update", "patch", "remove", "archive"] });
  return made;
}

/** The same, once it is connected and upgraded if it shall be. */
async function connected(use, client, transport, options) {
  const made = app(use, client, transport, options);
  await limited("connect", (resolve, reject) => made.io.once("connect", resolve).once("connect_error", reject));
  if (transport === "upgrade") await upgraded(made.io);
  return made;
}

/** Resolves with the service's next such event that is about the text. */
const told = (service, event, text) => limited(`${event} of ${text}`, (resolve) => service.on(event, (one) => {
  if (one.text === text) resolve(one);
}));

let count = 0;
const unique = (what) => `${what} ${++count}`;

for (const client of clients.filter(({ name }) => ["4.8", "4.0", "3.1", "2.5"].includes(name))) for (const transport of Object.keys(transports)) {
  const it = (title, body) => crossed(client, transport, "feathers", title, body);

  it("find, get, create, update, patch, remove", async (use) => {
    const messages = (await connected(use, client, transport)).service("messages");
    const room = unique("room");
    const one = await messages.create({ text: "hello, 世界", room, at: null, tags: ["a", { b: [1.5] }] });
    assert.deepEqual(one, { id: one.id, text: "hello, 世界", room, at: null, tags: ["a", { b: [1.5] }] });
    const two = await messages.create({ text: "again", room });
    assert.ok(Number.isInteger(one.id) && two.id > one.id, `${one.id}, ${two.id}`);
    assert.deepEqual(await messages.find({ query: { room } }), [one, two]);
    assert.deepEqual(await messages.find({ query: { room, $limit: 1 } }), [one]);
    assert.deepEqual(await messages.find({ query: { room: `not ${room}` } }), []);
    assert.deepEqual(await messages.get(one.id), one);
    assert.deepEqual(await messages.get(String(one.id)), one);
    assert.deepEqual(await messages.patch(one.id, { text: "patched" }), { ...one, text: "patched" });
    assert.deepEqual(await messages.update(one.id, { text: "updated", room }), { id: one.id, text: "updated", room });
    assert.deepEqual(await messages.remove(one.id), { id: one.id, text: "updated", room });
    assert.deepEqual(await messages.find({ query: { room } }), [two]);
  });
  it("without a query, and a method of the service's own", async (use) => {
    const made = await connected(use, client, transport);
    assert.deepEqual(await made.service("rooms/lobby/members").find(), []);
    assert.deepEqual(await made.service("messages").archive({ ids: [1, 2] }, { query: { reason: "old" } }), { archived: [1, 2], reason: "old" });
  });
  it("errors are those of Feathers, with what they carry", async (use) => {
    const made = await connected(use, client, transport);
    const messages = made.service("messages");
    const fails = (call, kind, wanted) => assert.rejects(call, (err) => {
      assert.ok(err instanceof kind, `${err.name}: ${err.message}`);
      const { name, message, code, className, data } = err;
      assert.deepEqual({ name, message, code, className, data }, { data: undefined, ...wanted });
      return true;
    });
    const missing = { name: "NotFound", code: 404, className: "not-found" };
    await fails(messages.get(987654), errors.NotFound, { ...missing, message: "No record found for id '987654'" });
    for (const call of ["update", "patch"]) await fails(messages[call](987654, { text: "" }), errors.NotFound, { ...missing, message: "No record found for id '987654'" });
    await fails(messages.remove(987654), errors.NotFound, { ...missing, message: "No record found for id '987654'" });
    await fails(messages.create({ room: "x" }), errors.BadRequest, {
      name: "BadRequest", code: 400, className: "bad-request", message: "text is needed", data: { field: "text" } });
    await fails(made.service("nothing").find(), errors.NotFound, { ...missing, message: "Service 'nothing' not found" });
    await fails(made.service("rooms/lobby/members").create({}), errors.MethodNotAllowed, {
      name: "MethodNotAllowed", code: 405, className: "method-not-allowed", message: "Method 'create' not allowed on service 'rooms/lobby/members'" });
    assert.equal((await messages.create({ text: "still here" })).text, "still here");
  });
  it("service events reach another client, and whoever caused them", async (use) => {
    const [writer, reader] = (await Promise.all([connected(use, client, transport), connected(use, client, transport)])).map((made) => made.service("messages"));
    const text = unique("message");
    let hears = [told(reader, "created", text), told(writer, "created", text)];
    const made = await writer.create({ text });
    assert.deepEqual(await Promise.all(hears), [made, made]);
    hears = [told(reader, "patched", text), told(reader, "updated", text), told(reader, "removed", text)];
    await writer.patch(made.id, { seen: true });
    await writer.update(made.id, { text, seen: false });
    await writer.remove(made.id);
    assert.deepEqual(await Promise.all(hears), [{ ...made, seen: true }, { ...made, seen: false }, { ...made, seen: false }]);

    // Whoever does not listen any more hears nothing, and an event per record comes of several.
    const stale = (one) => assert.fail(`it heard of ${one.text}`);
    reader.on("created", stale);
    reader.removeListener("created", stale);
    const texts = [unique("message"), unique("message")];
    hears = texts.map((each) => told(reader, "created", each));
    const several = await writer.create(texts.map((each) => ({ text: each })));
    assert.deepEqual(several.map((one) => one.text), texts);
    assert.deepEqual(await Promise.all(hears), several);
  });
  it("binary, to the service and in its events", async (use) => {
    const [writer, reader] = (await Promise.all([connected(use, client, transport), connected(use, client, transport)])).map((made) => made.service("messages"));
    const text = unique("file");
    const heard = told(reader, "created", text);
    const one = await writer.create({ text, files: [{ name: "a", bytes: pattern(70000) }, { name: "b", bytes: pattern(0) }] });
    const files = plain([{ name: "a", bytes: pattern(70000) }, { name: "b", bytes: pattern(0) }]);
    assert.deepEqual(plain(one.files), files);
    assert.deepEqual(plain((await heard).files), files);
    assert.deepEqual(plain((await reader.get(one.id)).files), files);
  });
  it("calls from before the connection on, in order also while it upgrades", async (use) => {
    const reader = (await connected(use, client, transport)).service("messages");
    const room = unique("room");
    const heard = limited("100 events", (resolve) => {
      const numbers = [];
      reader.on("created", (one) => { if (one.room === room && numbers.push(one.n) === 100) resolve(numbers); });
    });
    const writer = app(use, client, transport).service("messages");
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    const made = await limited("100 calls", (resolve, reject) => Promise.all(numbers.map((n) => writer.create({ text: "x".repeat(n), room, n }))).then(resolve, reject));
    assert.deepEqual(made.map(({ n }) => n), numbers);
    assert.deepEqual(made.map(({ id }) => id), made.map(({ id }) => id).sort((a, b) => a - b));
    assert.deepEqual(await heard, numbers);
  });
  if (client.since(4.8)) it("a client that gives its acks a time", async (use) => {
    const messages = (await connected(use, client, transport, { ackTimeout: stretch(20000), retries: 1 })).service("messages");
    const one = await messages.create({ text: "in time" });
    assert.deepEqual(await messages.get(one.id), one);
    await assert.rejects(messages.get(987654), errors.NotFound);
  });
}
