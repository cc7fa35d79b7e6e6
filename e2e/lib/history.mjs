// What happens in a cluster while faults are let loose on it, recorded for internal/history to decide whether it may have.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ask, until } from "./clients.mjs";
import { stretch } from "./patience.mjs";

const checker = fileURLToPath(new URL("../../bin/check", import.meta.url));

/** What backends promise: their traits, for the checker. */
export const promises = {
  redis: { ordered: true }, streams: { ordered: true }, jetstream: { ordered: true, lanes: true }, "mesh-log": { ordered: true, lanes: true }, sharded: { ordered: false, lanes: true }, "sharded-cluster": { ordered: false, lanes: true },
  postgres: { ordered: true }, nats: { ordered: true, lanes: true }, mesh: { ordered: true, lanes: true },
};

/** Has internal/history decide on events; resolves with what cannot be. */
export async function decide(events, rules) {
  const child = spawn(checker, { stdio: ["pipe", "pipe", "inherit"] });
  const text = (async () => { let all = ""; for await (const part of child.stdout.setEncoding("utf8")) all += part; return all; })();
  const ended = once(child, "close");
  child.stdin.write(`${JSON.stringify(rules)}\n`);
  for (let i = 0; i < events.length; i += 10_000) { // there may be millions
    const lines = events.slice(i, i + 10_000).map((e) => `${JSON.stringify(e)}\n`).join("");
    if (!child.stdin.write(lines)) await Promise.race([once(child.stdin, "drain"), ended]);
  }
  child.stdin.end();
  const [code] = await ended;
  const wrong = (await text).split("\n").filter(Boolean);
  if (code > 1 || (code === 1) !== wrong.length > 0) throw new Error(`check ended with ${code}`);
  return wrong;
}

const slices = 12;

/** How long those took that began since a moment, and until another. usual is the lower quartile of the p99 of slices of that time: what slows it down all the time shows in it, moments in which a process had to wait for a processor do not. */
function spread(list, since, to) {
  const now = performance.now();
  const quantile = (took, q) => took[Math.min(took.length - 1, Math.floor(q * took.length))] ?? 0;
  const between = (from, until) => list.filter(({ at }) => at >= from && at < until).map(({ at, came = now }) => came - at).sort((a, b) => a - b);
  const took = between(since, to), length = (to - since) / slices;
  const each = Array.from({ length: slices }, (_, i) => quantile(between(since + i * length, since + (i + 1) * length), 0.99)).sort((a, b) => a - b);
  const ms = (n) => Number(n.toFixed(2));
  return { n: took.length, p50: ms(quantile(took, 0.5)), p99: ms(quantile(took, 0.99)), usual: ms(quantile(each, 0.25)), max: ms(quantile(took, 1)) };
}

const room = "room";

/**
 * Has the sockets, one on each node and all in one namespace, emit all the time, to everybody and to a room of all but the last, and records what becomes of it.
 * safe: nothing may be lost on the way. travel: how long a message may take with what is done meanwhile, ms. dead: the nodes' timeout.
 * pads are how many bytes each sends besides. beside is the socket of a server that nothing is done to: it emits in the same moments.
 */
export async function record(t, backend, nodes, sockets, { safe = false, travel = stretch(15_000), dead = stretch(10_000), every = 10, pads = [], beside } = {}) {
  const events = [];
  const add = (kind, fields) => events.push({ kind, at: new Date().toISOString(), ...fields });
  const nsp = sockets[0].nsp;
  const began = nodes.map((n) => n.told.filter((e) => e.Kind === "found"));
  for (const n of nodes) add("node up", { node: n.name });
  const parties = await Promise.all(sockets.map(async (socket, i) => {
    const node = nodes[i];
    const me = { socket, node, name: `c${i}`, member: i < sockets.length - 1 || sockets.length < 3, sends: true, got: new Map(), last: {}, pad: "x".repeat(pads[i] ?? 0) };
    if (me.member) await ask(socket, "join", room);
    add("connect", { client: me.name, node: node.name });
    if (me.member) add("join", { client: me.name, room });
    socket.on("h", (id) => {
      add("deliver", { id, client: me.name });
      me.got.set(id, performance.now());
    });
    socket.once("disconnect", () => { me.gone = true; add("disconnect", { client: me.name }); });
    return me;
  }));
  const sent = new Map(); // id → its sender, room, when
  const emit = (me, to) => {
    const id = `${me.name}-${sent.size}`;
    add("emit", { id, node: me.node.name, sender: me.name, ...(to && { rooms: [to], lane: to }) });
    sent.set(id, { me, to, at: performance.now() });
    me.last[to] = id;
    me.socket.emit("relay", { rooms: to ? [to] : [] }, "h", id, me.pad);
  };
  const sending = () => parties.filter((me) => me.sends && !me.gone);
  let turn = 0;
  const others = []; // of the one beside: when it has emitted, and has heard it
  beside?.on("h", (n) => { others[n].came = performance.now(); });
  const round = () => {
    turn++;
    for (const me of sending()) emit(me, turn % 2 && me.member ? room : "");
    beside?.emit("relay", {}, "h", others.push({ at: performance.now() }) - 1);
  };
  const heard = (me, id) => me.got.has(id);
  const wants = (me, to) => !to || me.member;
  /** Emits until each of these hears each of the others in both ways. */
  const meet = async (what) => {
    const marks = new Map(sending().map((me) => [me, new Set()]));
    let last = 0;
    await until(`${what}: all hear all`, () => {
      if (performance.now() - last > 20) {
        last = performance.now();
        for (const [me, ids] of marks) for (const to of me.member ? [room, ""] : [""]) { emit(me, to); ids.add(me.last[to]); }
      }
      const all = [...marks.keys()];
      return all.every((from) => all.every((to) => (from.member ? [room, ""] : [""]).every((r) => !wants(to, r) ||
        [...marks.get(from)].some((id) => sent.get(id).to === r && heard(to, id)))));
    });
  };
  await meet("at the start");
  let timer = setInterval(round, every);
  t.after(() => clearInterval(timer));
  const me = {
    events, add, parties,
    /** Waits until the client i hears something that the client from sends from now on, to the room or to everybody ("") if that matters. */
    async hears(i, from, what, to) {
      const since = sent.size;
      await until(`${what}: client ${i} hears client ${from}`, () => [...parties[i].got.keys()].some((id) => {
        const s = sent.get(id);
        return s.me === parties[from] && (to === undefined || s.to === to) && Number(id.split("-")[1]) >= since;
      }));
    },
    /** How long emits since a moment took to their own client, so far if they are on their way: {n, p50, p99, usual, max} in ms. */
    local: (since, to = performance.now()) => spread([...sent].map(([id, { me: from, at }]) => ({ at, came: from.got.get(id) })), since, to),
    /** The same of the one beside. */
    beside: (since, to = performance.now()) => spread(others, since, to),
    /** Lets a client send no more, as its node is about to be stopped for a while, and waits until that node has sent all. */
    async quiet(i) {
      parties[i].sends = false;
      await until("its own come back", () => [...sent].every(([id, { me: from, to }]) => from !== parties[i] || !wants(from, to) || heard(from, id)));
    },
    /** From now on all send so many bytes besides. */
    pads(n) { for (const p of parties) p.pad = "x".repeat(n); },
    talk(i) { parties[i].sends = true; },
    killed(i) { parties[i].sends = false; add("node down", { node: parties[i].node.name }); },
    pause() { clearInterval(timer); },
    resume() { timer = setInterval(round, every); },
    /** What is missing at the client i of what the client from has sent since it first heard it. */
    missing(i, from) {
      const to = parties[i];
      const first = new Set(); // of the room's, and of what is for all: what came before was sent before this node had subscribed
      return [...sent].filter(([id, s]) => {
        if (s.me !== parties[from] || !wants(to, s.to)) return false;
        if (heard(to, id)) first.add(s.to);
        return first.has(s.to) && !heard(to, id);
      }).map(([id]) => id);
    },
    /** How many of the messages of the client from the node of the client i has counted as missed. */
    counted: (i, from) => parties[i].node.told.filter((e) => e.Kind === "gap" && e.NSP === nsp && e.From === parties[from].node.name).reduce((n, e) => n + e.N, 0),
    /** Ends it, and has it decided on: resolves with counts. */
    async check(what = backend) {
      clearInterval(timer);
      await meet(`${what}: at the end`);
      await until(`${what}: what was sent last has come`, () => parties.every((to) => to.gone || sending().every((from) => Object.entries(from.last).every(([r, id]) => !wants(to, r) || heard(to, id)))));
      const all = [...events];
      let dropped = 0, gaps = 0;
      for (const [i, node] of nodes.entries()) {
        for (const e of node.told) {
          if (e.Kind === "gap" && e.NSP !== nsp) continue;
          if (e.Kind === "gap") gaps += e.N;
          // What all knew at the start they knew before anybody spoke.
          all.push(began[i].includes(e) ? { ...e, At: events[0].at } : e);
        }
        if (parties[i] && (parties[i].gone || events.some((e) => e.kind === "node down" && e.node === node.name))) continue;
        const { dropped: d } = await node.account();
        const n = (d?.broadcast ?? 0) + (d?.volatile ?? 0);
        dropped += n;
        if (n > 0) all.push({ kind: "drop", at: new Date().toISOString(), node: node.name, n });
      }
      const rules = { ...promises[backend], safe, local: stretch(1000), travel, tell: stretch(5000), dead };
      // All is settled: whoever waited as long as the rules allow would see no more.
      all.push({ kind: "node up", at: new Date(Date.now() + rules.travel + rules.tell + 1000).toISOString(), node: "none" });
      const wrong = await decide(all, rules);
      assert.deepEqual(wrong.slice(0, 5), [], `${what}: ${wrong.length} things that cannot be`);
      let missing = 0;
      for (const i of parties.keys()) for (const from of parties.keys()) if (i !== from) missing += me.missing(i, from).length;
      const result = { emits: sent.size, deliveries: parties.reduce((n, p) => n + p.got.size, 0), missing, gaps, dropped };
      t.diagnostic(`${what}: ${Object.entries(result).map(([k, v]) => `${v} ${k}`).join(", ")}; the history may be`);
      return { ...result, all, rules };
    },
  };
  return me;
}
