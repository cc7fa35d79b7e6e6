// The history of clients that come and go, of which each server's told part is added: internal/history decides whether it may have been.
import { decide, promises } from "./history.mjs";
import { stretch } from "./patience.mjs";

/** Begins one of these nodes; others may join. */
export function journal(nodes) {
  const events = [], all = [];
  const ends = new Map(); // node → when it was told to end
  const add = (kind, fields, at = new Date()) => events.push({ kind, at: at.toISOString(), ...fields });
  const up = (node) => { all.push(node); add("node up", { node: node.name }); };
  for (const node of nodes) up(node);
  const name = (url) => all.find((node) => node.url === url)?.name;
  return {
    up,
    /** A node is about to be told to end, and has ended. */
    ending(node) { ends.set(node.name, Date.now()); },
    ended(node, politely) { add("node down", { node: node.name, ok: politely }); },
    /** An event is about to be emitted, to all or to a room. */
    emit(node, sender, id, to) { add("emit", { id, node: node.name, sender, ...(to && { rooms: [to], lane: to }) }); },
    /** Notes where a client is, what it gets ("tick", a row and a number) and what it is told; rooms are those that it has joined. */
    follow(socket, client, rooms) {
      let connected = 0;
      socket.on("connect", () => {
        add("connect", { client, node: name(socket.io.uri) });
        if (connected++ === 0) return;
        if (!socket.recovered) rooms.clear();
        for (const room of rooms) add("join", { client, room });
        add("verdict", { client, ok: socket.recovered });
      });
      socket.on("tick", (row, n) => add("deliver", { id: `${row} ${n}`, client }));
      socket.on("disconnect", () => add("disconnect", { client }));
      return { join(room) { rooms.add(room); add("join", { client, room }); } };
    },
    /** Has it decided on: resolves with what cannot be, and what it was. safe: nothing may be lost on the way, else it must be counted. */
    async decide(backend, safe = true) {
      const local = stretch(5000), travel = stretch(15_000), tell = stretch(1000);
      excuseTails(events, ends, local);
      const told = all.flatMap((node) => node.told.filter((e) => e.Kind !== "gap" || e.NSP === "/"));
      const over = { kind: "node up", at: new Date(Date.now() + travel + tell + 1000).toISOString(), node: "none" };
      const rules = { ...promises[backend], safe, local, travel, tell, dead: stretch(10_000) };
      const history = [...events, ...told, over];
      return { wrong: await decide(history, rules), history, rules };
    },
  };
}

/** A node that ends reads no more at some moment: what a client has said from then on, and a little before, may be heard by nobody. */
function excuseTails(events, ends, local) {
  const got = new Set(), tails = new Map(); // by sender
  for (const e of events) if (e.kind === "deliver") got.add(e.id);
  for (const e of events) {
    if (e.kind !== "emit" || !ends.has(e.node)) continue;
    if (got.has(e.id)) tails.set(e.sender, []);
    else tails.get(e.sender)?.push(e) ?? tails.set(e.sender, [e]);
  }
  for (const e of [...tails.values()].flat()) if (Date.parse(e.at) > ends.get(e.node) - local) e.may = true;
}

/**
 * Histories of a rolling restart that cannot have been, made of one that may: [what was done to it, the history]. Each is about the first client that
 * was told that it had missed nothing, and had: with something of the same sender and to the same room before it went and after it was back.
 */
export function doctored(history) {
  const emits = new Map(history.filter((e) => e.kind === "emit").map((e) => [e.id, e]));
  const row = (e) => { const { sender, lane } = emits.get(e.id); return `${sender} ${lane}`; };
  for (const [back, verdict] of history.entries()) {
    if (verdict.kind !== "verdict" || !verdict.ok) continue;
    const who = verdict.client;
    const left = history.findLastIndex((e, i) => i < back && e.kind === "disconnect" && e.client === who);
    const away = new Set(history.slice(left, back).filter((e) => e.kind === "emit").map((e) => e.id));
    const got = [...history.keys()].filter((i) => history[i].kind === "deliver" && history[i].client === who);
    const before = got.filter((i) => i < left), after = got.filter((i) => i > back), replayed = got.filter((i) => away.has(history[i].id));
    const last = before.findLast((i) => after.some((j) => row(history[j]) === row(history[i])));
    if (last === undefined || replayed.length === 0) continue;
    const first = after.find((j) => row(history[j]) === row(history[last]));
    const again = { ...history[last], at: history[first].at };
    return [
      ["lost after it was told to be recovered", history.toSpliced(replayed[0], 1)],
      ["lost on the way when it went", history.toSpliced(before.at(-1), 1)],
      ["twice, on both nodes", history.toSpliced(first + 1, 0, again)],
      ["out of order across nodes", history.toSpliced(first + 1, 0, again).toSpliced(last, 1)],
      ["a false verdict", history.filter((e) => !(e.kind === "deliver" && e.client === who && away.has(e.id)))],
      ["never emitted", history.toSpliced(history.indexOf(emits.get(history[last].id)), 1)],
      ["a gap that was counted", [...history, { kind: "gap", at: verdict.at, node: "n1", from: "n0", n: 1 }]],
    ];
  }
  throw new Error("nobody has missed anything in this history");
}
