// A TCP proxy in front of the server: delays, and cuts, without either side's help.
import { createServer, connect } from "node:net";
import { once } from "node:events";

/**
 * Starts a proxy to the port. Bytes from connections that asked for a WebSocket are delayed by webSocketDelay ms each way.
 * cut() resets every open connection; refuse(true) resets new ones too.
 */
export async function startProxy(port, { webSocketDelay = 0 } = {}) {
  const open = new Set();
  let refusing = false;
  const server = createServer((client) => {
    if (refusing) return client.resetAndDestroy();
    const upstream = connect(port, "127.0.0.1");
    const pair = [client, upstream];
    open.add(pair);
    let delay = 0;
    const pipe = (from, to, look) => {
      from.setNoDelay(true);
      from.on("data", (bytes) => {
        if (look && /upgrade: websocket/i.test(bytes.toString("latin1"))) delay = webSocketDelay;
        if (delay) setTimeout(() => to.writable && to.write(bytes), delay);
        else to.write(bytes);
      });
      from.on("end", () => setTimeout(() => to.end(), delay));
      from.on("error", () => to.destroy());
      from.on("close", () => { open.delete(pair); setTimeout(() => to.destroy(), delay); });
    };
    pipe(client, upstream, true);
    pipe(upstream, client, false);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => { for (const pair of open) for (const socket of pair) socket.resetAndDestroy(); };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    refuse: (on) => { refusing = on; },
    stop: () => { cut(); server.close(); },
  };
}
