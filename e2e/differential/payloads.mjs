// What a POST of a polling session may hold, for both revisions.
import { isParserError, packets as unpack, payload, session, settled } from "./wire.mjs";

export const name = "payloads";
export const profile = "main";

const good = ['42/dyn-1,["echo",1]', '42/dyn-1,7["echo","é"]', "3", "6", "40/dyn-2,", "41/dyn-2,", '451-/dyn-1,["echo",{"_placeholder":true,"num":0}]', "bAQID", "b", "bAQI=", "2", "2probe", "4", "1"];
const odd = ["", "0", "5", "7", "9", "x", "\u00e9", "b!", "bA", "b=", "4\u0000", "bAQID=", "b AQID", "4 ", " 4", "\n", "-1", "44", "4b"];

export function generate(r) {
  const eio = r.chance(0.25) ? 3 : 4;
  const packets = r.several(4, () => (r.chance(0.75) ? r.pick(good) : r.pick(odd)));
  let body = payload(eio, packets);
  if (r.chance(0.2)) body = r.mutate(body, "\x1e4b:0123 \"");
  return { eio, body };
}

/** The POST's answer, then what polls bring until the markers' answers, or the end. */
export async function run(c, port) {
  const s = await session(port, { eio: c.eio });
  try {
    const body = Buffer.from(c.body, "utf8").toString("latin1");
    const post = await s.ask("POST", `${s.base}&sid=${s.sid}`, body);
    if (post === null || post.silent) return { post: post ? "silent" : "closed" };
    const out = { post: `${post.status} ${settled(post.body, s.sid)}`, polls: [] };
    // Whatever joins a namespace has its answer by the time that /slow lets in: namespaces do not wait for one another.
    for (const [ask, marker] of [["40/slow,", '42/slow,["welcome"'], ['42/dyn-1,99["echo","end"]', "99["]]) {
      const end = await s.post(ask);
      if (end?.status !== 200) return { ...out, end: "dead" };
      for (let polls = 10, text = ""; !text.includes(marker);) {
        if (polls-- === 0) return { ...out, end: "no marker" };
        const poll = await s.poll();
        if (poll?.status !== 200) return { ...out, end: poll ? `poll ${poll.status ?? "silent"}` : "closed" };
        text = poll.body;
        out.polls.push(...unpack(c.eio, text).map((p) => settled(p, s.sid)).filter((p) => p !== "6" && p !== "2" && !isParserError(p) && !/^4[02]\/slow(,|$)/.test(p)));
      }
    }
    return { ...out, polls: byNamespace(out.polls), end: "alive" };
  } finally {
    s.connection.close();
  }
}

/** Packets of one namespace come in order; those of two are not compared with one another. */
export function byNamespace(packets) {
  const all = {};
  for (const p of packets) {
    const nsp = p.startsWith("binary ") ? "binary" : /^\d*(?:\d+-)?(\/[^,[{]*)/.exec(p)?.[1] ?? "/";
    (all[nsp] ??= []).push(p);
  }
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}
