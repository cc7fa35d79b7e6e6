// What a client may offer for permessage-deflate, and the answer.
import { Connection } from "./wire.mjs";

export const name = "offers";
export const profile = "deflate";

const params = ["server_no_context_takeover", "client_no_context_takeover", "client_max_window_bits", ...[7, 8, 9, 10, 15, 16, "x", '"12"', "08", ""].flatMap((n) => [`client_max_window_bits=${n}`, `server_max_window_bits=${n}`]), "x=1", "unknown", "server_no_context_takeover=1", "server_max_window_bits"];

export function generate(r) {
  const offer = () => [r.weighted({ "permessage-deflate": 8, "x-webkit-deflate-frame": 1, "Permessage-Deflate": 1, "permessage-bzip2": 1 }), ...Array.from({ length: r.int(4) }, () => r.pick(params))].join(r.pick(["; ", ";", " ; "]));
  let header = r.several(3, offer).join(r.pick([", ", ","]));
  if (r.chance(0.15)) header = r.mutate(header, ';,="\\ x');
  return { header };
}

export async function run(c, port) {
  const conn = new Connection(port);
  try {
    conn.write(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: ${c.header}\r\n\r\n`);
    const a = await conn.answer(true);
    if (a?.status !== 101) return { refused: a?.status === undefined ? "closed" : "refused" };
    return { accepted: [...(a.headers["sec-websocket-extensions"] ?? "").split(/\s*;\s*/)].sort() };
  } finally {
    conn.close();
  }
}
