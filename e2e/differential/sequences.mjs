// A session's requests in any order: polls, posts, probes, upgrades, closes. Each step is answered before the next begins, but for a poll
// that is held.
import { stretch } from "../lib/patience.mjs";
import { setTimeout as delay } from "node:timers/promises";
import WebSocket from "ws";
import { session } from "./wire.mjs";

export const name = "sequences";
export const profile = "main";
export const atOnce = 64; // they wait more than they work

export function generate(r) {
  return { steps: r.several(6, () => r.weighted({ event: 5, poll: 5, probe: 4, upgrade: 3, second: 1, posted: 2, close: 1, wsEvent: 3, drop: 1, leave: 1, overlap: 1, connect: 2, again: 1, foreign: 1, bye: 1, kick: 1 })) };
}

const until = (ws, event, take = (x) => x) => new Promise((resolve) => {
  const timer = setTimeout(resolve, stretch(5000), "silent");
  const done = (x) => { clearTimeout(timer); resolve(x); };
  ws.once(event, (...a) => done(take(...a)));
  ws.once("close", (code) => done(`closed ${code}`));
});

/** Asks ws for a namespace that does not exist: the answer comes if the session lives, after all that was sent before. */
const asked = (ws) => new Promise((resolve) => {
  const timer = setTimeout(resolve, stretch(5000), "silent");
  const done = (x) => { clearTimeout(timer); ws.removeAllListeners("message"); resolve(x); };
  ws.on("message", (d) => { if (d.toString().startsWith("44/nope,")) done("alive"); });
  ws.once("close", (code) => done(`closed ${code}`));
  ws.send("40/nope,");
});

/** What each step has led to. */
export async function run(c, port) {
  const s = await session(port);
  const url = (transport, sid = s.sid) => `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=${transport}&sid=${sid}`;
  const sockets = [];
  let ws = null, upgraded = null;
  const open = async () => {
    const socket = new WebSocket(url("websocket"));
    socket.on("error", () => {});
    sockets.push(socket);
    const how = await Promise.race([until(socket, "open", () => "open"), until(socket, "unexpected-response", (_, res) => `refused ${res.statusCode}`)]);
    return { socket, how };
  };
  const post = async (body) => { const a = await s.post(body); return a ? `${a.status ?? "silent"}` : "closed"; };
  /** Waits until the server knows that the upgraded session is over: until then it is refused a poll for its transport, not as unknown. */
  const over = async () => {
    for (const end = Date.now() + stretch(5000); Date.now() < end; await delay(5)) {
      const a = await s.poll();
      if (a === null) return "closed";
      if (a.body?.includes('{"code":1,')) return "gone";
    }
    return "still there";
  };
  let ids = 0;
  const steps = {
    event: () => post(`42/dyn-1,${ids++}["echo",1]`),
    // Something is there to be polled, if the session lives.
    poll: async () => {
      const sent = await post('42/dyn-1,["echo",2]');
      const a = await s.poll();
      return `${sent}, ${a ? `${a.status ?? "silent"} ${a.status === 200 && !/^[16](\x1e1)?$/.test(a.body) ? "packets" : JSON.stringify(a.body?.slice(0, 20).replace(/^6\x1e1$/, "1"))}` : "closed"}`;
    },
    probe: async () => {
      const o = await open();
      if (o.how !== "open") return o.how;
      ws = o.socket;
      const answer = until(ws, "message", (d) => d.toString());
      ws.send("2probe");
      return answer;
    },
    upgrade: async () => {
      if (ws?.readyState !== WebSocket.OPEN) return "nothing";
      ws.send("5");
      const how = await asked(ws);
      if (how === "alive") upgraded = ws;
      return how;
    },
    second: async () => {
      const o = await open();
      if (o.how !== "open") return o.how;
      return until(o.socket, "close", (code) => `closed ${code}`);
    },
    posted: () => post(["3", "6", "2", "5"][ids++ % 4]),
    close: () => post("1"),
    wsEvent: async () => {
      if (ws?.readyState !== WebSocket.OPEN) return "nothing";
      return asked(ws);
    },
    drop: async () => {
      if (ws?.readyState !== WebSocket.OPEN) return "nothing";
      const closed = until(ws, "close", () => "gone");
      ws.terminate();
      return ws === upgraded ? over() : closed;
    },
    leave: () => post("41/dyn-1,"),
    bye: () => post('42/dyn-1,["bye",false]'),
    kick: () => post('42/dyn-1,["bye",true]'),
    connect: () => post("40/dyn-1,"),
    again: () => post("40/chat,"),
    overlap: async () => {
      // An empty session holds the first of two polls.
      await s.poll();
      return "drained";
    },
    foreign: async () => {
      const a = await fetch(`http://127.0.0.1:${port}${s.base}&sid=AAAAAAAAAAAAAAAAAAAA`);
      return `${a.status} ${await a.text()}`;
    },
  };
  try {
    const seen = [];
    for (const step of c.steps) {
      const happened = await steps[step]();
      seen.push(`${step}: ${happened}`);
      if (happened === "closed" || /silent/.test(happened)) break;
    }
    return { seen };
  } finally {
    s.connection.close();
    for (const w of sockets) w.terminate();
  }
}
