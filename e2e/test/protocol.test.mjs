// Profile protocol: Socket.IO protocol 5 by hand, well-formed and not.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer, underTest } from "../lib/server.mjs";
import { rawSocket } from "../lib/raw.mjs";
import { cell } from "../lib/cell.mjs";
import { stretch } from "../lib/patience.mjs";

const server = await startServer("protocol");
after(() => server.stop());
const it = (area, title, body) => cell("raw", "websocket", area, title, async (use) => {
  const socket = use(rawSocket(`${server.url}/socket.io/?EIO=4&transport=websocket`));
  assert.equal((await socket.next())[0], "0");
  const read = async () => {
    for (;;) {
      const packet = await socket.next();
      if (packet !== "2") return packet;
      socket.send("3");
    }
  };
  await body(socket, read);
});
/** Joins the root and reads what it says. */
const join = async (socket, read) => {
  socket.send("40");
  await read();
  assert.equal(await read(), '42["auth",{}]');
};
/** The connection is open and answers. */
const alive = async (socket, read) => {
  socket.send('429["message-with-ack","alive"]');
  assert.equal(await read(), '439["alive"]');
};

it("connect", "the root: a sid and nothing else", async (socket, read) => {
  socket.send("40");
  const packet = await read();
  assert.equal(packet.slice(0, 2), "40");
  const data = JSON.parse(packet.slice(2));
  assert.deepEqual(Object.keys(data), ["sid"]);
  assert.match(data.sid, /^[\w-]{20}$/);
  assert.equal(await read(), '42["auth",{}]');
});
it("connect", "with auth", async (socket, read) => {
  socket.send('40{"token":"123"}');
  await read();
  assert.equal(await read(), '42["auth",{"token":"123"}]');
});
it("connect", "another namespace, with and without auth", async (socket, read) => {
  socket.send("40/custom,");
  assert.match(await read(), /^40\/custom,\{"sid":"[\w-]{20}"\}$/);
  assert.equal(await read(), '42/custom,["auth",{}]');
});
it("connect", "another namespace with auth, both at once", async (socket, read) => {
  socket.send('40/custom,{"token":"abc"}');
  socket.send("40");
  const seen = [await read(), await read(), await read(), await read()].map((packet) => packet.replace(/"sid":"[\w-]{20}"/, "sid"));
  assert.deepEqual(seen.toSorted(), ["40/custom,{sid}", '42/custom,["auth",{"token":"abc"}]', "40{sid}", '42["auth",{}]'].toSorted());
});
it("connect", "an unknown namespace", async (socket, read) => {
  socket.send("40/random");
  assert.equal(await read(), '44/random,{"message":"Invalid namespace"}');
  await join(socket, read);
  await alive(socket, read);
});
it("connect", "a malformed CONNECT closes the connection", async (socket) => {
  socket.send("4abc");
  await socket.closed;
});
it("connect", "no CONNECT in time", async (socket) => {
  const started = Date.now();
  const answering = setInterval(() => socket.inbox.splice(0).forEach(() => socket.send("3")), 50);
  await socket.closed;
  clearInterval(answering);
  assert.ok(Date.now() - started >= stretch(900), "closed too early");
});
it("disconnect", "from the root leaves the connection open", async (socket, read) => {
  await join(socket, read);
  socket.send("41");
  socket.send("40/custom");
  assert.match(await read(), /^40\/custom,/);
});
it("disconnect", "from a namespace leaves the others", async (socket, read) => {
  await join(socket, read);
  socket.send("40/custom");
  await read();
  await read();
  socket.send("41/custom,");
  socket.send('42["message","message to main namespace"]');
  assert.equal(await read(), '42["message-back","message to main namespace"]');
});
it("events", "text", async (socket, read) => {
  await join(socket, read);
  socket.send('42["message",1,"2",{"3":[true]}]');
  assert.equal(await read(), '42["message-back",1,"2",{"3":[true]}]');
  socket.send('42["message"]');
  assert.equal(await read(), '42["message-back"]');
});
it("events", "with an ack", async (socket, read) => {
  await join(socket, read);
  socket.send('42456["message-with-ack",1,"2",{"3":[false]}]');
  assert.equal(await read(), '43456[1,"2",{"3":[false]}]');
  socket.send('420["message-with-ack"]');
  assert.equal(await read(), "430[]");
});
it("events", "one that nobody handles", async (socket, read) => {
  await join(socket, read);
  socket.send('42["nobody",1]');
  await alive(socket, read);
});
it("binary", "an event", async (socket, read) => {
  await join(socket, read);
  socket.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
  socket.send(Buffer.from([1, 2, 3]));
  socket.send(Buffer.from([4, 5, 6]));
  assert.equal(await read(), '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
  assert.deepEqual(await read(), Buffer.from([1, 2, 3]));
  assert.deepEqual(await read(), Buffer.from([4, 5, 6]));
});
it("binary", "an event with an ack", async (socket, read) => {
  await join(socket, read);
  socket.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
  socket.send(Buffer.from([1, 2, 3]));
  socket.send(Buffer.from([4, 5, 6]));
  assert.equal(await read(), '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
  assert.deepEqual(await read(), Buffer.from([1, 2, 3]));
  assert.deepEqual(await read(), Buffer.from([4, 5, 6]));
});

const closing = [
  "4abc", "42{}", '42abc["message-with-ack",1]', "42", '42[', '42["message"', "42[]", "42[{}]", '42[{"toString":1}]', "42[null]",
  '42["connect"]', '42["disconnect"]', '42["connect_error"]', '42["newListener"]', "43", "431", '431{}', "49", "4x", "4",
  '45-["x"]', '451-["x",{"_placeholder":true,"num":1}]', '451-["x",{"_placeholder":true,"num":-1}]', '451-["x",{"_placeholder":true,"num":"0"}]',
  '451-["x",{"_placeholder":true,"num":0.5}]', '45999-["x"]', '4299999999999999999999["message-with-ack"]', `42${"[".repeat(100000)}`,
];
for (const packet of closing) {
  const shown = packet.length > 60 ? `${packet.slice(0, 20)}… (${packet.length})` : packet;
  it("bad input", `${shown.replaceAll(":", "·")} closes the connection`, async (socket, read) => {
    await join(socket, read);
    socket.send(packet);
    if (packet.startsWith("451-")) socket.send(Buffer.from([1]));
    await socket.closed;
  });
}
it("bad input", "a binary message out of the blue", async (socket, read) => {
  await join(socket, read);
  socket.send(Buffer.from([1, 2, 3]));
  await socket.closed;
});
it("bad input", "text while an attachment is awaited", async (socket, read) => {
  await join(socket, read);
  socket.send('451-["message",{"_placeholder":true,"num":0}]');
  socket.send('42["message"]');
  await socket.closed;
});
// Node ends at these two.
if (underTest === "sockeye") it("bad input", "many arguments, deep nesting: an answer or a close", async (socket, read) => {
  await join(socket, read);
  socket.send(`427["message-with-ack"${",0".repeat(200000)}]`);
  const answer = await Promise.race([read().catch(() => "closed"), socket.closed.then(() => "closed")]);
  assert.ok(answer === "closed" || answer.startsWith("437[0,0,"), answer.slice(0, 50));
});
if (underTest === "sockeye") it("bad input", "nesting of 9,000", async (socket, read) => {
  await join(socket, read);
  socket.send(`427["message-with-ack",${"[".repeat(9000)}${"]".repeat(9000)}]`);
  const answer = await Promise.race([read().catch(() => "closed"), socket.closed.then(() => "closed")]);
  assert.ok(answer === "closed" || answer.startsWith("437[[["), answer.slice(0, 50));
});
it("bad input", "an ack that nobody waits for", async (socket, read) => {
  await join(socket, read);
  socket.send("43123[1]");
  await alive(socket, read);
});
