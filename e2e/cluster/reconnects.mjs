// What it costs the broker when all clients of one node come back to another at once, and are recovered: the commands that Redis counts.
// Run alone it prints that: node reconnects.mjs [go|node] [clients] [kill]; kill: the node is killed instead of being left.
import { pathToFileURL } from "node:url";
import { asked } from "../lib/brokers.mjs";
import { client48, open, pause, until } from "../lib/clients.mjs";
import { backends, startNodes } from "../lib/nodes.mjs";

// What nodes do all the time, whoever comes back; and what asking for the counts takes.
const idle = /^(xread|ping|info|hello|client|select|auth|command|config|(p|s)?subscribe|(p|s)?unsubscribe)\b/;

/** The commands that Redis has been given, by name. */
const commands = (broker) => asked(broker, "the counts", async (say) => new Map(
  [...(await say("INFO", "commandstats")).matchAll(/cmdstat_(\S+?):calls=(\d+)/g)].filter(([, name]) => !idle.test(name)).map(([, name, n]) => [name, Number(n)])));

/** So many clients of one node go over to another; resolves with the commands it took for each, by name. */
export async function reconnect(kind, clients, { within = 2000, kill = false, env = {} } = {}) {
  const broker = await backends.streams.start();
  let nodes = [], all = [], speaker;
  try {
    nodes = await startNodes(broker.url, [kind, kind], { profile: "recovery", env: { RECOVERY_WINDOW: "600000", RECOVERY_PACKETS: `${10_000 + 4 * clients}`, CLUSTER_HEARTBEAT: "60000,120000", ...env } });
    speaker = open(client48, "websocket", nodes[1].url);
    all = Array.from({ length: clients }, () => {
      const socket = open(client48, "websocket", nodes[0].url, "/", { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: within, randomizationFactor: 1, timeout: 60_000 });
      const me = { socket, connected: 0, recovered: 0, heard: 0 };
      socket.on("connect", () => { me.connected++; if (socket.recovered) me.recovered++; });
      socket.on("tick", () => me.heard++);
      return me;
    });
    await until("all are there", () => speaker.connected && all.every((me) => me.connected > 0));
    speaker.emit("relay", {}, "tick", 0);
    await until("all have an offset", () => all.every((me) => me.heard > 0));
    await pause(1500); // sessions are stored
    const quiet = await commands(broker.broker), since = performance.now();
    await pause(1000);
    const rest = await commands(broker.broker), before = performance.now();
    for (const me of all) me.socket.io.uri = nodes[1].url;
    if (kill) await nodes[0].kill();
    else for (const me of all) me.socket.io.engine.close();
    speaker.emit("relay", {}, "tick", 1); // which all of them miss
    await until("all are back", () => all.every((me) => me.connected > 1));
    const took = performance.now() - before;
    await pause(1500); // sessions are stored anew
    const after = await commands(broker.broker), end = performance.now();
    // What our scripts do inside of Redis is counted besides; XADD is of the event with which the fixture welcomes each client.
    const by = {};
    for (const [name, n] of after) {
      const always = ((rest.get(name) ?? 0) - (quiet.get(name) ?? 0)) / (before - since); // a ms
      const count = (n - (rest.get(name) ?? 0) - always * (end - before)) / clients;
      if (count >= 0.005) by[name] = Number(count.toFixed(2));
    }
    for (const inner of ["get", "set"]) by[inner] = Number(Math.max(0, (by[inner] ?? 0) - (by.eval ?? 0)).toFixed(2));
    delete by.xadd;
    return { kind, clients, killed: kill, recovered: all.filter((me) => me.recovered > 0).length, ms: Math.round(took), each: Number(Object.values(by).reduce((a, b) => a + b, 0).toFixed(2)), by };
  } finally {
    for (const s of [speaker, ...all.map((me) => me.socket)]) s?.close();
    await Promise.all(nodes.map((n) => n.stop().catch(() => {})));
    await broker.stop();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [kind = "go", clients = "1000", kill] = process.argv.slice(2);
  console.log(JSON.stringify(await reconnect(kind, Number(clients), { within: Math.max(200, Number(clients)), kill: kill === "kill" })));
}
