// A TCP proxy in front of the server: delays, buffers, chops and cuts, without either side's help.
import { createServer, connect } from "node:net";
import { once } from "node:events";

/**
 * Starts a proxy to the port. Bytes from connections that asked for a WebSocket are delayed by webSocketDelay ms each way.
 * With hold, each direction is kept back until it was silent for so many ms, or five times as long has passed: an answer is passed on
 * when it is complete. With chop, what is passed on comes in pieces of a few bytes, each on its own.
 * cut() resets every open connection; refuse(true) resets new ones too.
 */
export async function startProxy(port, { webSocketDelay = 0, hold = 0, chop = false } = {}) {
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
      if (hold || chop) return mangle(from, to, { hold, chop, gone: () => open.delete(pair) });
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

/** Passes bytes on as a proxy may that has ideas of its own about when and in how many pieces: all of them, in order. */
function mangle(from, to, { hold, chop, gone }) {
  let kept = [], quiet = null, since = 0, seed = 1;
  let written = Promise.resolve();
  const flush = () => {
    clearTimeout(quiet);
    const bytes = Buffer.concat(kept);
    kept = [];
    written = written.then(async () => {
      if (!chop) return to.write(bytes);
      for (let at = 0; at < bytes.length;) {
        seed = (seed * 48271) % 2147483647; // a sequence that is the same each time
        const size = bytes.length > 20000 ? 5000 + (seed % 3000) : 1 + (seed % 40);
        to.write(bytes.subarray(at, (at += size)));
        await new Promise(setImmediate);
      }
    });
  };
  from.on("data", (bytes) => {
    if (kept.length === 0) since = Date.now();
    kept.push(bytes);
    clearTimeout(quiet);
    const left = Math.min(hold, since + 5 * hold - Date.now());
    if (left > 0) quiet = setTimeout(flush, left);
    else flush();
  });
  const last = (end) => () => { flush(); written.then(end); };
  from.on("end", last(() => to.end()));
  from.on("error", () => to.destroy());
  from.on("close", last(() => { gone(); to.destroy(); }));
}
