import { stretch } from "../lib/patience.mjs";
// What a client sees of the application in ./app, as plain data: the same function looks at every build of it, with every client.

/** The packets that went over the socket's connection, as text. */
function tap(socket) {
  const lines = [];
  // data is the engine's event for a message, in every version.
  const listen = () => socket.io.engine.on("data", (data) => typeof data === "string" && lines.push(data));
  socket.io.engine ? listen() : socket.io.once("open", listen);
  return lines;
}

const slow = stretch(1500); // ms to wait for what go-socket.io never does
const patience = stretch(10000); // ms until something that must come counts as missing

const within = (start, limit = patience) => new Promise((resolve) => {
  const timer = setTimeout(() => resolve("nothing"), limit);
  start((value) => { clearTimeout(timer); resolve(value); });
});

/** An event's acknowledgement, or "disconnected". */
const ask = (socket, event, ...args) => within((done) => {
  if (!socket.connected) return done("disconnected");
  socket.once("disconnect", () => done("disconnected"));
  socket.emit(event, ...args, (...answer) => done(answer));
});

/** Whatever what resolves with before the socket's next answer arrives: "nothing" if that comes first. */
const before = (socket, what) => Promise.race([
  what,
  ask(socket, "add", 0, 0).then((answer) => (answer === "disconnected" ? answer : new Promise((resolve) => setTimeout(resolve, stretch(50), "nothing")))),
]);

const hear = (socket, event, limit) => within((done) => socket.once(event, (...args) => done(args)), limit);

/** How often the event comes until action's answer and one more round trip of each socket. */
const count = async (sockets, event, action) => {
  const times = sockets.map(() => 0);
  sockets.forEach((socket, i) => socket.on(event, () => times[i]++));
  const answer = await action();
  for (const socket of sockets) await ask(socket, "add", 0, 0);
  return { answer, times };
};

const plain = (v) => {
  if (Buffer.isBuffer(v) || v instanceof ArrayBuffer || ArrayBuffer.isView(v)) return { bytes: Buffer.from(v).toString("hex") };
  if (Array.isArray(v)) return v.map(plain);
  return v;
};

/**
 * Looks at all of it.
 * @param {Function} io the client
 * @param {string} url of the server
 * @param {string[]} transports to connect with
 * @returns {Promise<Record<string, unknown>>} what was seen, by name
 */
export async function observe(io, url, transports) {
  const opened = [];
  const open = (nsp = "", query = "") => {
    const socket = io(url + nsp + query, { transports, forceNew: true, reconnection: false, timeout: stretch(5000) });
    opened.push(socket);
    return socket;
  };
  const connected = async (nsp, query) => {
    const socket = open(nsp, query);
    const how = await within((done) => {
      socket.once("connect", () => done("connected"));
      socket.once("connect_error", (err) => done(`refused: ${err.message ?? err}`));
      socket.once("error", (err) => done(`refused: ${err.message ?? err}`));
    });
    if (how !== "connected") throw new Error(`${nsp || "/"}: ${how}`);
    return socket;
  };
  const journal = async () => (await fetch(`${url}/journal`)).json();
  /** The journal's lines that action adds; it waits for at least so many. */
  const noted = async (expected, action) => {
    const before = (await journal()).length;
    const result = await action();
    const end = Date.now() + slow;
    let lines = [];
    while (lines.length < expected && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      lines = (await journal()).slice(before);
    }
    return { result, noted: lines.sort() };
  };
  const seen = {};

  const a = await connected("/", "?desk=7");
  const wire = tap(a);
  const reply = hear(a, "reply");
  a.emit("notice", "hello");
  seen["event, and one back"] = await reply;
  seen["context from ConnInitor"] = await ask(a, "desk");
  const [id, name] = await ask(a, "me");
  seen["id is the client's own"] = id === a.id;
  seen["name of the root"] = name;
  seen["arguments"] = await ask(a, "add", 2, 3);
  seen["missing arguments"] = await ask(a, "add", 2);
  seen["too many arguments"] = await ask(a, "add", 2, 3, 4);
  seen["pointer to a struct"] = await ask(a, "point", { X: 1, Y: 2 });
  seen["anything"] = await ask(a, "anything", { list: [1, "two", null], deep: { yes: true } });
  seen["binary in"] = await ask(a, "bytes", Buffer.from([9, 8, 7]));
  const blob = hear(a, "blob");
  a.emit("blob");
  seen["binary out"] = plain(await blob);
  seen["bytes that are no Buffer"] = plain(await ask(a, "text-of-bytes"));
  seen["several results"] = await ask(a, "three", false);
  seen["an error among the results"] = await noted(1, () => ask(a, "three", true));
  seen["no results, and an ack asked for"] = await before(a, ask(a, "silent"));
  seen["unknown event with an ack"] = await before(a, ask(a, "who-knows"));
  const understood = hear(a, "understood");
  a.once("question", (text, answer) => answer(4, "chairs"));
  a.emit("ask");
  seen["the server asks"] = await understood;
  wire.length = 0;
  a.emit("add", 1, 1);
  await ask(a, "add", 0, 0);
  seen["acks that nobody asked for"] = wire.filter((line) => line.startsWith("3")).length - 1;

  const b = await connected();
  seen["rooms at first"] = await ask(b, "rooms");
  seen["room joined"] = [await ask(a, "join", "sofa"), await ask(b, "join", "sofa"), await ask(b, "join", "window")];
  seen["rooms then"] = await ask(b, "rooms");
  seen["broadcast to a room"] = [await count([a, b], "said", () => ask(a, "to-room", "sofa", "hi")), await ask(a, "to-room", "empty", "hi")];
  seen["broadcast to no namespace"] = await ask(a, "to-nowhere");
  seen["broadcast to all"] = await count([a, b], "heard", () => ask(a, "to-all", "hi"));
  seen["for each in a room"] = await count([a, b], "touched", () => ask(a, "each", "sofa"));
  seen["left"] = await ask(b, "leave", "sofa");
  seen["cleared"] = await ask(a, "clear", "sofa");

  const chat = await connected("/chat");
  seen["in another namespace"] = await ask(chat, "msg", "hello");
  seen["the server says bye"] = await noted(1, async () => {
    const bye = hear(chat, "bye", slow);
    const end = hear(chat, "disconnect");
    chat.emit("bye");
    return { end: (await end).length > 0, bye: await bye };
  });

  const lost = await connected("/chat");
  seen["reason of a client that closes"] = (await noted(1, () => { lost.io.engine.close(); })).noted.filter((line) => line.includes("/chat"));

  seen["one argument of the wrong type"] = await noted(1, async () => {
    const socket = await connected();
    const first = await before(socket, ask(socket, "add", "two", 3));
    return [first, await ask(socket, "add", 1, 1)];
  });
  seen["a handler panics"] = await noted(1, async () => {
    const socket = await connected();
    const first = await before(socket, ask(socket, "panic"));
    return [first, await ask(socket, "add", 1, 1)];
  });
  seen["emit of nil"] = await noted(1, async () => {
    const socket = await connected();
    const nothing = hear(socket, "nothing");
    socket.emit("nothing");
    return [await before(socket, nothing), await ask(socket, "add", 1, 1)];
  });
  seen["emit inside OnConnect"] = await (async () => {
    const socket = open("/", "?greet=1");
    const greeting = await hear(socket, "greeting", slow);
    return [greeting, greeting === "nothing" ? greeting : await ask(socket, "add", 1, 1)];
  })();
  seen["OnConnect of a namespace fails"] = await noted(1, async () => {
    const root = await connected();
    const locked = root.io.socket("/locked");
    opened.push(locked);
    const refusal = within((done) => {
      locked.once("connect_error", () => done("refused"));
      locked.once("error", () => done("refused"));
      root.once("disconnect", () => done("disconnected"));
    });
    return [await refusal, await ask(root, "add", 1, 1)];
  });
  for (const socket of opened) socket.close();
  return seen;
}
