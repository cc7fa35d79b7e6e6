// An incident on purpose: two nodes over Redis, and at the same moment a client that does not read, one that floods, and no broker.
// What an operator needs is then looked for where they would look: metrics, log, /readyz, inspection. docs/operating.md tells it as a story.
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { io } from "client-4.8";
import WebSocket from "ws";
import { startRedis } from "../lib/brokers.mjs";
import { until } from "../lib/clients.mjs";
import { startProgram } from "../lib/program.mjs";
import { rawSocket } from "../lib/raw.mjs";

const token = "the rehearsal's token of the API";
const hash = "$2a$04$l.oY3swAAAWHjmL3q/mgjOb9VX6K3i6l7goaC3eolQrDTnuH2Nita"; // of "secret", quick to compute
const nobody = { authorization: `Basic ${Buffer.from("ann:secret").toString("base64")}` };

/**
 * Makes it happen and looks. say is told each line as it is found: where it is from, and its text.
 * @returns {Promise<{from: string, text: string}[]>} all lines found; it throws if one that is needed does not come.
 */
export async function rehearse(say = () => {}) {
  const found = [];
  const tell = (from, text) => { found.push({ from, text }); say(from, text); return text; };
  const endings = [];
  try {
    return await happen(tell, (end) => endings.unshift(end)) ?? found;
  } finally {
    for (const end of endings) await end();
  }
}

async function happen(tell, after) {
  const folder = await mkdtemp(join(tmpdir(), "incident-"));
  after(() => rm(folder, { recursive: true }));
  const tokens = join(folder, "tokens");
  await writeFile(tokens, token.replaceAll(" ", "-"), { mode: 0o600 });
  let redis = await startRedis();
  after(() => redis.stop());
  const start = async (name) => {
    const node = await startProgram("--cluster", `redis://${redis.address}`, "--cluster-name", name, "--admin", `ann:${hash}`, "--api-token-file", tokens, "--grace", "2s");
    after(() => node.stop());
    return { ...node, name };
  };
  const nodes = await Promise.all(["a", "b"].map(start));
  const [a, b] = nodes;

  const get = async (node, path) => (await fetch(node.url + path, { headers: nobody })).text();
  const inspect = async (node, question) => JSON.parse(await get(node, `inspect/api/${question}`));
  /** The line of a metric once it holds; labels and value are an expression. */
  const metric = (node, pattern) => line(`metrics of ${node.name}`, pattern, () => get(node, "metrics"));
  const log = (node, pattern) => line(`log of ${node.name}`, pattern, node.log);
  const lineOf = async (pattern, text) => (await text()).split("\n").find((l) => !l.startsWith("#") && pattern.test(l));
  /** Waits for a line that matches, and tells it. */
  const line = async (from, pattern, text) => tell(from, await until(`${from} has ${pattern}`, () => lineOf(pattern, text)));
  const api = async (node, call, body) => {
    const answer = await fetch(`${node.url}api/${call}`, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", authorization: `Bearer ${token.replaceAll(" ", "-")}` } });
    return answer.json();
  };

  // Some people on both nodes, who shall notice as little as possible; two of them where the news will be.
  const people = [[a, "chat"], [a, "chat"], [b, "chat"], [b, "chat"], [a, "whiteboard"], [a, "whiteboard"]].map(([node, namespace]) => {
    const socket = io(node.url + namespace, { transports: ["websocket"], forceNew: true, reconnection: false });
    after(() => socket.disconnect());
    socket.left = 0;
    socket.on("disconnect", () => socket.left++);
    return socket;
  });
  await Promise.all(people.map((socket) => once(socket, "connect")));
  await until("both nodes know each other", async () => (await Promise.all(nodes.map((n) => get(n, "readyz")))).every((text) => /connected by redis for .*, 2 nodes/.test(text)));

  // Two clients by hand, each from an address of its own.
  const byHand = async (node, namespace, localAddress) => {
    const raw = rawSocket(`${node.url}socket.io/?EIO=4&transport=websocket`, { localAddress });
    after(() => raw.close());
    await raw.opened;
    raw.send(`40${namespace},`);
    while (!(await raw.next()).startsWith("40"));
    const { socket } = raw;
    return socket;
  };
  const slow = await byHand(a, "/whiteboard", "127.0.0.2"), flooder = await byHand(b, "/echo", "127.0.0.3");
  flooder.on("message", (m) => { if (String(m) === "2") flooder.send("3"); });

  // It begins: all three at once, while a program elsewhere says news on a's whiteboard.
  let going = true;
  slow._socket.pause();
  await redis.stop();
  const text = "n".repeat(256 << 10);
  const pause = () => new Promise((done) => setTimeout(done, 40));
  // After each piece of news it is looked for who does not read: on a slow machine they are put out before it is their turn below.
  const whoWaits = async () => {
    const socket = (await inspect(a, "sockets?ns=/whiteboard&sort=buffered&limit=1")).sockets.find((s) => s.buffered > 1 << 20);
    const line = socket && await lineOf(/^sockeye_messages_waiting [1-9]/, () => get(a, "metrics"));
    return line && { socket, line };
  };
  let waiting;
  const news = (async () => {
    while (going) { // without a pause: who does not read has to be put out for that, before it is for not answering a ping
      await api(a, "emit", { namespace: "/whiteboard", event: "news", arguments: [text] });
      waiting ??= await whoWaits();
    }
  })();
  const flood = (async () => { while (going && flooder.readyState === WebSocket.OPEN) { for (let i = 0; i < 200; i++) flooder.send('42/echo,["echo","x"]'); await pause(); } })();
  after(async () => { going = false; await Promise.all([news, flood]); });

  // The broker: who has lost it, since when, what follows.
  for (const node of nodes) await metric(node, /^sockeye_cluster_connected 0$/);
  await log(a, /not connected to the cluster/);
  await log(a, /the cluster's broker is still away.*connection refused/);
  await line("/readyz of a", /^cluster: not connected by redis for/, () => get(a, "readyz"));
  await metric(a, /^sockeye_cluster_queued_bytes [1-9]/);

  // The slow one: something waits, whose it is, and what becomes of them.
  const { socket: reader, line: queued } = await until("the inspection shows who does not read", () => waiting);
  tell("inspection of a", `sockets of /whiteboard, most buffered first: ${reader.id.slice(0, 8)}… ${reader.address} buffered ${reader.buffered} in ${reader.in} out ${reader.out}`);
  tell("metrics of a", queued);
  await metric(a, /^sockeye_engine_limits_total\{limit="MaxQueue"\} [1-9]/);
  await log(a, /limit reached.*option=MaxQueue client=127\.0\.0\.2:/);
  await log(a, /socket disconnected.*client=127\.0\.0\.2:.*reason="transport error"/);

  // The flood: which limit, who, and what they send.
  await metric(b, /^sockeye_limits_total\{limit="EventRate"\} [1-9]/);
  await log(b, /limit reached.*option=EventRate.*client=127\.0\.0\.3:/);
  const loudest = await until("the inspection shows who sends most", async () => (await inspect(b, "sockets?ns=/echo&sort=in&limit=1")).sockets.find((s) => s.in > 1000));
  tell("inspection of b", `sockets of /echo, most sent first: ${loudest.id.slice(0, 8)}… ${loudest.address} buffered ${loudest.buffered} in ${loudest.in} out ${loudest.out}`);

  // What the lost broker has cost so far, as the inspection puts it.
  await metric(a, /^sockeye_cluster_dropped_total\{class="[a-z ]+"\} [1-9]/);
  const overview = await inspect(a, "overview");
  const here = overview.nodes.find((n) => n.name === "a");
  if (here.connected || overview.nodes.some((n) => n.name === "b")) throw new Error(`the inspection does not see it: ${JSON.stringify(overview.nodes)}`);
  tell("inspection of a", `nodes: a, connected: ${here.connected}; dropped for the cluster: ${Object.entries(here.reasons.cluster ?? {}).map((pair) => pair.join(" ")).join(", ")}`);

  // Mended: the flooder is shown the door, the broker comes back by itself, and both nodes are one again.
  const shown = await (await fetch(`${b.url}inspect/api/do`, { method: "POST", headers: nobody, body: JSON.stringify({ ns: "/echo", act: { what: "disconnect", to: loudest.id, close: true } }) })).json();
  tell("inspection of b", `disconnect ${loudest.id.slice(0, 8)}…: ${shown.done} done`);
  await log(b, /msg="inspection: disconnect".*user=.*ann/);
  await log(b, /socket disconnected.*client=127\.0\.0\.3:/);
  redis = await startRedis(redis.port);
  for (const node of nodes) await metric(node, /^sockeye_cluster_connected 1$/);
  await metric(a, /^sockeye_cluster_nodes 2$/);
  await log(a, /connected to the cluster.*backend=redis.*mayHaveMissed=true/);
  going = false;
  await Promise.all([news, flood]);
  await until("news of a reach the people of b", async () => (await api(a, "emit", { namespace: "/chat", event: "over", arguments: [] })).nodes === 2);
  await metric(a, /^sockeye_sockets [1-9]/);
  for (const socket of people) if (socket.left) throw new Error("somebody who did nothing wrong was disconnected");
}
