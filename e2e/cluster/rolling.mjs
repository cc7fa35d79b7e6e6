// Three servers emit without pause and are restarted one after the other, while clients come back to those that are there. Whoever is told that
// it was recovered has missed nothing, and got nothing twice or out of order. Run alone it prints what became of all:
// node cluster/rolling.mjs [backends, as in streams,mesh] [clients] [rounds]
import { pathToFileURL } from "node:url";
import { ask, client48, open, pause, until } from "../lib/clients.mjs";
import { journal } from "../lib/journal.mjs";
import { backends, startNodes } from "../lib/nodes.mjs";
import { traveller } from "./recovery.mjs";

const rooms = 10;
const roomOf = (i) => `room ${i % rooms}`;

/** Emits from a node, to all and to rooms in turn, until stop is called. Each row has what one life of a node has sent to the same. */
async function life(node, nr, every, log) {
  const socket = open(client48, "websocket", node.url);
  await until("who emits is there", () => socket.connected);
  const sent = new Map();
  const send = (row, room) => {
    const n = sent.get(row) ?? 0;
    sent.set(row, n + 1);
    log.emit(node, `life ${nr}`, `${row} ${n}`, room);
    socket.emit("relay", { rooms: room ? [room] : [] }, "tick", row, n);
  };
  let turn = 0;
  const timer = setInterval(() => {
    send(`${nr} all`);
    const room = roomOf(turn++);
    send(`${nr} ${room}`, room);
  }, every);
  return { stop: () => { clearInterval(timer); socket.close(); }, halt: () => clearInterval(timer) };
}

/** The whole of it; resolves with the sums. The nodes are of one kind first, those that take their places of another, and look is given each before it ends. */
export async function roll(backend, { clients = 30, rounds = 1, every = 20, env = {}, kind = "go", to = kind, look = async () => {} } = {}) {
  const broker = await backends[backend].start();
  const prefix = `rolling-${process.pid}-${Math.random()}`;
  const settings = { profile: "recovery", prefix, env: { RECOVERY_WINDOW: "120000", ...env } };
  let nodes = [];
  const lives = new Map();
  const all = [];
  let born = 0;
  try {
    nodes = await startNodes(broker.url, [kind, kind, kind], settings);
    const log = journal(nodes);
    let next = 0;
    let serving = nodes;
    const url = () => serving[next++ % serving.length].url;
    for (let i = 0; i < clients; i++) {
      const me = traveller([{ url: url() }], "/", log, `client ${i}`);
      me.socket.on("connect", () => {
        if (me.connected > 1 && !me.socket.recovered) me.socket.emit("join", roomOf(i), () => me.history.join(roomOf(i)));
      });
      me.socket.on("disconnect", () => { me.socket.io.uri = url(); });
      me.socket.io.on("reconnect_error", () => { me.socket.io.uri = url(); });
      all.push(me);
      if (i % 50 === 49) await until("they are there", () => all.every((c) => c.connected > 0));
    }
    await until("all are there", () => all.every((c) => c.connected > 0));
    await Promise.all(all.map((me, i) => ask(me.socket, "join", roomOf(i)).then(() => me.history.join(roomOf(i))))); // and in their rooms
    for (const node of nodes) lives.set(node, await life(node, born++, every, log));
    await pause(1100); // sessions are stored
    let stops = 0;
    for (let round = 0; round < rounds; round++) {
      for (const old of [...nodes]) {
        serving = nodes.filter((node) => node !== old);
        stops++;
        const before = new Map(all.map((me) => [me, me.connected]));
        const here = all.filter((me) => me.socket.io.uri === old.url);
        await look(old);
        log.ending(old);
        await old.stop(); // it emits until it ends
        log.ended(old, true);
        lives.get(old).stop();
        lives.delete(old);
        await until("its clients are back", () => here.every((me) => me.connected > before.get(me) && me.socket.connected));
        const [node] = await startNodes(broker.url, [to], { ...settings, wait: false, from: born });
        log.up(node);
        nodes = serving = [...serving, node];
        await until("all nodes know of all", async () =>
          (await Promise.all(nodes.map((n) => n.stats()))).every(({ cluster: c }) => c.connected && c.nodes === nodes.length));
        await until("all tell that they know of it", () => nodes.every((n) => n === node || n.told.some((e) => e.Kind === "found" && e.From === node.name)));
        lives.set(node, await life(node, born++, every, log));
        await pause(500);
      }
    }
    for (const one of lives.values()) one.halt();
    // What somebody has got of a row all of its have to.
    const last = () => {
      const most = new Map();
      for (const me of all) for (const [row, n] of me.rows) most.set(row, Math.max(most.get(row) ?? 0, n));
      return most;
    };
    const missing = () => {
      const most = last();
      return all.flatMap((me) => [...me.rows].filter(([row, n]) => n < most.get(row)).map(([row, n]) => most.get(row) - n));
    };
    await pause(1000);
    await until("the last has come", () => missing().length === 0).catch(() => {});
    const lost = missing().reduce((a, b) => a + b, 0);
    const sum = (of) => all.reduce((n, me) => n + me[of], 0);
    const { wrong, history, rules } = await log.decide(backend);
    const result = {
      backend, clients, stops, moves: sum("connected") - clients, recovered: sum("recovered"), anew: sum("anew"),
      lost: sum("lost") + lost, twice: sum("twice"), false: sum("bad"), events: [...last().values()].reduce((a, b) => a + b + 1, 0),
      history: history.length, impossible: wrong.length,
    };
    Object.defineProperties(result, { wrong: { value: wrong }, all: { value: history }, rules: { value: rules } }); // not printed
    for (const node of nodes) await look(node);
    return result;
  } finally {
    for (const me of all) me.socket.close();
    for (const one of lives.values()) one.stop();
    await Promise.all(nodes.map((n) => n.stop().catch(() => {})));
    await broker.stop();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [names = "streams,mesh,nats,redis", clients = "1000", rounds = "1"] = process.argv.slice(2);
  for (const name of names.split(",")) {
    const started = Date.now();
    // Whoever has many clients in one process has them get a little less each.
    const sums = await roll(name, { clients: Number(clients), rounds: Number(rounds), every: Math.max(20, Number(clients) / 5) });
    console.log(JSON.stringify({ ...sums, seconds: Math.round((Date.now() - started) / 1000) }));
    for (const what of sums.wrong.slice(0, 5)) console.error(what);
    if (sums.lost || sums.twice || sums.false || sums.anew || sums.impossible) process.exitCode = 1;
  }
  process.exit();
}
