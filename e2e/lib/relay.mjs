// A relay between a node and its broker: a long and narrow way, or one that carries nothing any more without anybody having said so.
import { once } from "node:events";
import { connect, createServer } from "node:net";

const most = 64 << 10; // bytes that are under way in each direction of a connection; more wait where they come from

/**
 * Starts one to the port of host, at an address of its own. delay is in ms and rate in bytes a second, each way.
 * @returns {Promise<{port: number, freeze: () => void, thaw: () => void, widen: () => void, stop: () => Promise<void>}>}
 */
export async function startRelay(port, { host = "127.0.0.1", at = "127.0.0.1", delay = 0, rate = 0 } = {}) {
  const sockets = new Set(), flows = new Set();
  let frozen = false;

  /** Carries what comes from one end to the other, in order, each piece when it is due. */
  const carry = (from, to) => {
    const pieces = [];
    let pending = 0, free = 0, timer, over = false;
    const go = () => {
      clearTimeout(timer);
      while (!frozen && pieces.length > 0 && pieces[0].due <= performance.now()) {
        const { bytes } = pieces.shift();
        pending -= bytes.length;
        to.write(bytes);
      }
      if (pending < most) from.resume();
      if (frozen) return;
      if (pieces.length > 0) timer = setTimeout(go, pieces[0].due - performance.now());
      else if (over) to.end();
    };
    from.on("data", (bytes) => {
      for (let i = 0; i < bytes.length; i += 4096) { // small, so that a narrow way is used evenly
        const piece = bytes.subarray(i, i + 4096);
        free = Math.max(free, performance.now()) + (rate ? (piece.length * 1000) / rate : 0);
        pieces.push({ bytes: piece, due: free + delay });
      }
      if ((pending += bytes.length) >= most) from.pause();
      go();
    });
    from.on("end", () => { over = true; go(); });
    from.on("error", () => {});
    from.on("close", () => {
      sockets.delete(from);
      if (over) return; // the rest is on its way
      clearTimeout(timer);
      flows.delete(go);
      to.destroy();
    });
    flows.add(go);
    return () => clearTimeout(timer);
  };

  const ends = new Set();
  const server = createServer((one) => {
    const other = connect(port, host);
    for (const s of [one, other]) sockets.add(s.setNoDelay(true));
    ends.add(carry(one, other)).add(carry(other, one));
  });
  server.listen(0, at);
  await once(server, "listening");
  return {
    port: server.address().port,
    /** From now on nothing is carried, and connections are taken all the same. */
    freeze() { frozen = true; },
    /** From now on it is a short and wide way. */
    widen() { delay = rate = 0; },
    thaw() { frozen = false; for (const go of flows) go(); },
    /** Nothing is left that could keep the process: neither a connection, nor a timer, nor the listener. */
    async stop() {
      const closed = once(server, "close");
      server.close();
      for (const s of sockets) s.destroy();
      for (const end of ends) end();
      await closed;
    },
  };
}
