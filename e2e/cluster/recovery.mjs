// Two servers emit without pause, while clients are cut off in mid-traffic and come back to either: who is told that it was recovered has
// missed nothing, and got nothing twice or out of order. Run alone it prints what became of all: node recovery.mjs [go|node] [clients] [cuts] [kill|-] [streams|jetstream|mesh-log]
import { pathToFileURL } from "node:url";
import { client48, open, pause, until } from "../lib/clients.mjs";
import { journal } from "../lib/journal.mjs";
import { backends, startNodes } from "../lib/nodes.mjs";

/** One client over all its connections, whose history log keeps. Rows are what each server emits to all, counted from 0. */
export function traveller(nodes, nsp, log, name) {
  const socket = open(client48, "websocket", nodes[0].url, nsp, { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 });
  const me = { socket, rows: new Map(), lost: 0, twice: 0, connected: 0, recovered: 0, stuck: 0, url: nodes[0].url, anew: 0, bad: 0, wrong: false };
  me.history = log.follow(socket, name, new Set());
  socket.on("connect", () => {
    me.connected++;
    if (me.connected === 1) return;
    if (socket.recovered) me.recovered++;
    else { me.anew++; me.rows.clear(); }
    me.wrong = false;
  });
  socket.on("tick", (row, n) => {
    const last = me.rows.get(row);
    if (last !== undefined && n !== last + 1) {
      if (n > last) me.lost += n - last - 1; else me.twice++;
      if (!me.wrong) { me.bad++; me.wrong = true; }
    }
    if (last === undefined || n > last) me.rows.set(row, n);
  });
  return me;
}

/** Moves a client to another node: the connection is cut below, and what is on its way is lost. */
async function move(me, url) {
  const before = me.connected;
  me.socket.io.uri = me.url = url;
  me.socket.io.engine.close(); // no word of Socket.IO's is said
  await until("the client is back", () => me.connected > before).catch(() => { me.stuck++; me.socket.disconnect().connect(); });
}

/** Emits to all from each of nodes, until stop is called, which tells how many each row has. */
function traffic(nodes, sockets, log, every) {
  const sent = sockets.map(() => 0);
  const timer = setInterval(() => {
    for (const [i, socket] of sockets.entries()) {
      for (let k = 0; k < 3 && socket.connected; k++) {
        log.emit(nodes[i], `on ${i}`, `${i} ${sent[i]}`);
        socket.emit("relay", {}, "tick", i, sent[i]++);
      }
    }
  }, every);
  return { sent, stop: () => clearInterval(timer) };
}

/** Waits until the nodes' log is there: clients come back to any of them. */
async function settle(nodes) {
  for (const [i, node] of nodes.entries()) {
    const socket = open(client48, "websocket", node.url, "/", { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 });
    let at = i;
    await until("a client comes back to another node", async () => {
      await until("it is connected", () => socket.connected);
      await pause(200);
      const id = socket.id;
      socket.io.uri = nodes[++at % nodes.length].url;
      socket.io.engine?.close();
      await until("it is back", () => socket.connected && (socket.id !== id || socket.recovered));
      return socket.recovered;
    });
    socket.close();
  }
}

/** The whole of it; resolves with the sums. */
export async function wander(backend, kinds, { clients = 50, cuts = 10, every = 10, env = {}, kill } = {}) {
  const broker = await backends[backend].start();
  let nodes = [], all = [], senders = [];
  try {
    nodes = await startNodes(broker.url, kinds, { profile: "recovery", env: { RECOVERY_WINDOW: "60000", ...broker.env, ...env } });
    if (broker.env) await settle(nodes);
    senders = nodes.map((n) => open(client48, "websocket", n.url));
    const log = journal(nodes);
    all = Array.from({ length: clients }, (_, i) => traveller(nodes, "/", log, `client ${i}`));
    await until("all are there", () => senders.every((s) => s.connected) && all.every((c) => c.connected > 0));
    await pause(1100); // sessions are stored
    const flow = traffic(nodes, senders, log, every);
    const live = nodes.map((n) => n.url);
    await Promise.all(all.map(async (me, i) => {
      for (let cut = 0; cut < cuts; cut++) {
        await pause(20 + Math.random() * 300);
        await move(me, live[(i + cut + Math.floor(Math.random() * 2)) % live.length]);
      }
    }));
    if (kill) {
      senders[1].close();
      const lost = all.filter((me) => me.url === live[1]).map((me) => ({ me, before: me.connected }));
      for (const me of all) me.socket.io.uri = live[0];
      await nodes[1].kill();
      log.ended(nodes[1], false);
      await until("all are back", () => lost.every(({ me, before }) => me.connected > before));
    }
    await pause(1000);
    flow.stop();
    await until("the last has come", () => all.every((me) => flow.sent.every((n, row) => (kill && row === 1) || me.rows.get(row) === n - 1))).catch(() => {
      for (const me of all) for (const [row, n] of flow.sent.entries()) me.lost += n - 1 - (me.rows.get(row) ?? n - 1);
    });
    const sum = (of) => all.reduce((n, me) => n + me[of], 0);
    const { wrong, history, rules } = await log.decide(backend, !(kill && backend === "mesh-log")); // a part of its log goes with the node
    const result = { backend, kinds: kinds.join("+"), clients, moves: all.reduce((n, me) => n + me.connected - 1, 0), recovered: sum("recovered"), anew: sum("anew"), stuck: sum("stuck"), lost: sum("lost"), twice: sum("twice"), false: sum("bad"), impossible: wrong.length };
    Object.defineProperties(result, { wrong: { value: wrong }, history: { value: history }, rules: { value: rules } }); // not printed
    return result;
  } finally {
    for (const s of [...senders, ...all.map((me) => me.socket)]) s.close();
    await Promise.all(nodes.map((n) => n.stop().catch(() => {})));
    await broker.stop();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [kind = "go", clients = "50", cuts = "10", kill = "", backend = "streams"] = process.argv.slice(2);
  console.log(JSON.stringify(await wander(backend, Array(backends[backend].least ?? 2).fill(kind), { clients: Number(clients), cuts: Number(cuts), kill: kill === "kill" })));
}
