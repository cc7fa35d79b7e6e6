// Two implementations of one contract, compared by generated inputs: each difference is one that docs/rough_edges.md
// tells of, by a tag, or this fails. DIFF_SEED=n replays one seed, DIFF_CASES=n makes so many of each kind.
import { after, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { startServer, underTest } from "../lib/server.mjs";
import { createServer } from "node:net";
import { once } from "node:events";
import { stretch, whole } from "../lib/patience.mjs";
import { random } from "../differential/random.mjs";
import { known } from "../differential/known.mjs";
import { Connection } from "../differential/wire.mjs";
import * as http from "../differential/http.mjs";
import * as payloads from "../differential/payloads.mjs";
import * as packets from "../differential/packets.mjs";
import * as frames from "../differential/frames.mjs";
import * as offers from "../differential/offers.mjs";
import * as sequences from "../differential/sequences.mjs";

const families = [http, payloads, packets, frames, offers, sequences];
const cases = Number(process.env.DIFF_CASES ?? (whole ? 250 : 100));
const replay = process.env.DIFF_SEED;

const servers = new Map();
/** Both servers with a profile: the one under test, and Node's. */
async function both(profile) {
  if (!servers.has(profile)) {
    servers.set(profile, await Promise.all([underTest, "reference"].map((server) => startServer(profile, { server }))));
  }
  return servers.get(profile);
}
after(() => Promise.all([...servers.values()].flat().map((s) => s.stop())));

/** The seed of a family's nth case: families do not share their cases. */
const seedOf = (family, n) => [...family.name].reduce((h, c) => (h * 31 + c.charCodeAt(0)) >>> 0, 7) % 1_000_000 * 1000 + n;

for (const family of families) {
  test(`differential: ${family.name}: each difference is a known one`, { timeout: stretch(300_000) }, async (t) => {
    const [ours, theirs] = await both(family.profile);
    const seeds = replay ? [Number(replay)] : Array.from({ length: cases }, (_, n) => seedOf(family, n));
    const unknown = [], again = [];
    const met = new Map();
    const one = async (seed, differs) => {
      const c = family.generate(random(seed));
      const [a, b] = await Promise.all([family.run(c, ours.port), family.run(c, theirs.port)]);
      if (isDeepStrictEqual(a, b)) return;
      const why = known.find((k) => k.families.includes(family.name) && k.explains(c, a, b));
      if (why) met.set(why.tag, (met.get(why.tag) ?? 0) + 1);
      else differs.push({ seed, case: c, here: a, node: b });
    };
    const rest = [...seeds];
    await Promise.all(Array.from({ length: family.atOnce ?? 16 }, async () => { while (rest.length) await one(rest.shift(), again); }));
    // Where many at once wait for the machine, a timeout of either may have made the difference: that does not come again with nothing beside.
    for (const { seed } of again) await one(seed, unknown);
    t.diagnostic(`${seeds.length} cases, known differences: ${[...met].map(([tag, n]) => `${tag} ${n}`).join(", ") || "none"}`);
    assert.equal(unknown.length, 0, `${unknown.length} of ${seeds.length} cases differ and no row of docs/rough_edges.md says so; the first:\n${
      unknown.slice(0, Number(process.env.DIFF_SHOW ?? 3)).map((u) => `DIFF_SEED=${u.seed}\n${JSON.stringify(u)}`).join("\n")}`);
  });
}

test("differential: the tags of the known differences and those of docs/rough_edges.md are the same", () => {
  const text = readFileSync(new URL("../../docs/rough_edges.md", import.meta.url), "utf8");
  const written = new Set([...text.matchAll(/<!-- differs: ([a-z0-9-]+) -->/g)].map((m) => m[1]));
  assert.deepEqual([...written].sort(), [...new Set(known.map((k) => k.tag))].sort());
});

test("differential: a difference that nobody knows of is seen", () => {
  // The comparison itself must be able to say no: no rule may explain everything.
  for (const k of known) {
    for (const family of k.families) assert.ok(!k.explains({ headers: [], query: [], frames: [], steps: [], body: "", header: "" }, { end: "alive" }, { end: "silent" }), `${k.tag} explains anything in ${family}`);
  }
});

test("differential: a request goes again only if the connection had been idle and nothing of an answer came", async () => {
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  /** What a client is told of its second request by a server that does so with each request of the connection, and how many connections it took. */
  const told = async (idle, ...does) => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      let nth = 0;
      socket.on("error", () => {}).on("data", (d) => does[d.includes("bad") ? 2 : nth++](socket));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const c = new Connection(server.address().port, { idle });
    try {
      assert.equal((await c.request("GET / HTTP/1.1\r\n\r\n")).body, "ok");
      const a = await c.request(`GET /${does.length > 2 ? "bad" : ""} HTTP/1.1\r\n\r\n`);
      return [a?.body ?? "closed", connections];
    } finally {
      c.close();
      server.close();
    }
  };
  const answers = (s) => s.write(answer), closes = (s) => s.end(), resets = (s) => s.resetAndDestroy(), half = (s) => s.end(answer.slice(0, -1));
  assert.deepEqual(await told(0, answers, closes), ["ok", 2]);
  assert.deepEqual(await told(0, answers, resets), ["ok", 2]);
  assert.deepEqual(await told(0, (s) => s.end(answer), closes), ["ok", 2], "closed before the request went");
  assert.deepEqual(await told(undefined, answers, closes), ["closed", 1], "it was not idle");
  assert.deepEqual(await told(0, answers, half), ["closed", 1], "half an answer has come");
  assert.deepEqual(await told(0, answers, answers, closes), ["closed", 2], "closed because of what it says");
});
