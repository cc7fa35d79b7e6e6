// 300 rooms, each with its members on one of three nodes: how many of the messages for a room reach the node that has neither sent them nor has a member.
// Run alone it prints the table of docs/scaling.md: node cluster/routed.mjs
import { pathToFileURL } from "node:url";
import { ask, pause, until } from "../lib/clients.mjs";
import { backends, openOn, startNodes } from "../lib/nodes.mjs";

const rooms = 300, each = 10;

/** Resolves with how many messages of how many came to nodes that nobody wants them on. */
export async function astray(backend, kind) {
  const broker = await backends[backend].start();
  let nodes = [], sockets = [];
  try {
    nodes = await startNodes(broker.url, [kind, kind, kind], { env: { CLUSTER_HEARTBEAT: "600000,1200000" } });
    sockets = await openOn(nodes, [0, 1, 2]);
    const heard = sockets.map(() => new Map()); // by room
    const of = (node) => Array.from({ length: rooms / 3 }, (_, i) => `room ${3 * i + node}`);
    for (const [i, socket] of sockets.entries()) {
      socket.on("x", (room) => heard[i].set(room, (heard[i].get(room) ?? 0) + 1));
      await Promise.all(of(i).map((room) => ask(socket, "join", room)));
    }
    // Until a node has subscribed it hears nothing.
    for (const [i, socket] of sockets.entries()) {
      const to = (i + 1) % 3;
      await until("all rooms are heard", async () => {
        for (const room of of(to)) if (!heard[to].has(room)) socket.emit("relay", { rooms: [room] }, "x", room);
        await pause(20);
        return of(to).every((room) => heard[to].has(room));
      });
    }
    const received = async (i) => (await nodes[i].account()).received;
    /** What a node has received, once nothing comes any more. */
    const settled = async (i) => {
      let n = -1;
      await until("nothing comes any more", async () => {
        const before = n;
        await pause(50);
        return (n = await received(i)) === before;
      });
      return n;
    };
    const sum = { sent: 0, members: 0, strays: 0 };
    for (const from of [0, 1, 2]) {
      const [to, other] = [(from + 1) % 3, (from + 2) % 3];
      const before = [await settled(to), await settled(other)];
      heard[to].clear();
      for (let n = 0; n < each; n++) for (const room of of(to)) sockets[from].emit("relay", { rooms: [room] }, "x", room);
      await until("all have come", () => of(to).every((room) => heard[to].get(room) === each));
      sum.sent += of(to).length * each;
      sum.members += await settled(to) - before[0];
      sum.strays += await settled(other) - before[1];
    }
    return { backend, kind, ...sum, astray: Number((100 * sum.strays / sum.sent).toFixed(1)) };
  } finally {
    for (const socket of sockets) socket.close();
    await Promise.all(nodes.map((n) => n.stop().catch(() => {})));
    await broker.stop();
  }
}

/** Who routes by room, and Node's adapters beside. */
export const runs = [["nats", "go"], ["mesh", "go"], ["sharded", "go"], ["sharded", "node"], ["redis", "go"], ["redis", "node"]];

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log("| backend | servers | messages | reached the member's node | reached the node without a member | that is |\n|---|---|---|---|---|---|");
  for (const [backend, kind] of runs) {
    const { sent, members, strays, astray: percent } = await astray(backend, kind);
    console.log(`| ${backend} | ${{ go: "ours", node: "Node's" }[kind]} | ${sent} | ${members} | ${strays} | ${percent} % |`);
  }
  process.exit();
}
