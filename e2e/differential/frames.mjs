// WebSocket frames as no client sends them: fragments, control frames, masks, reserved bits, lengths, close codes.
import { Connection, isParserError, settled } from "./wire.mjs";

export const name = "frames";
export const profile = "main";

/** One frame: {fin, rsv, op, mask, data (latin1), length form}. */
const frame = (op, data = "", more = {}) => ({ fin: true, rsv: 0, op, mask: true, data, form: "short", ...more });
const text = (data, more) => frame(1, data, more);
const event = '42/dyn-1,["echo",1]';

export function generate(r) {
  const frames = r.several(4, () => {
    const made = {
      text: () => [text(r.pick([event, "3", "6", "", "40/dyn-2,", "x", "4\u00ff", "2", "1"]))],
      binary: () => [frame(2, r.pick(["", "\x01\x02", "\x04"]))],
      fragments: () => [text(event.slice(0, 5), { fin: false }), ...(r.chance(0.3) ? [frame(9, "mid")] : []), frame(0, event.slice(5, 9), { fin: false }), frame(0, event.slice(9), { fin: r.chance(0.8) })],
      ping: () => [frame(9, r.pick(["", "hello", "x".repeat(125), "x".repeat(126)]))],
      pong: () => [frame(10, r.pick(["", "late"]))],
      close: () => [frame(8, r.pick(["", "\x03", "\x03\xe8", "\x03\xe8bye", "\x03\xea", "\x03\xed", "\x0b\xb8", "\x03\xe7", "\x13\x88", "\x03\xe8\xff\xfe", "\x0f\xa0ok"]))],
      alone: () => [frame(0, "x")],
      reserved: () => [frame(r.pick([3, 7, 11, 15]), "x")],
      rsv: () => [text(event, { rsv: r.pick([1, 2, 4]) })],
      unmasked: () => [text(event, { mask: false })],
      long: () => [text(event, { form: r.pick(["medium", "large"]) })],
      huge: () => [text("", { form: r.pick(["claim63", "claim32", "claimNegative"]) })],
      nested: () => [text(event.slice(0, 5), { fin: false }), text(event)],
      split: () => [frame(9, "x", { fin: false })],
      utf8: () => [text("\xc3\x28"), text('42/dyn-1,["echo","\xc3', { fin: false }), frame(0, '\xa9"]')],
    };
    return made[r.weighted({ text: 6, binary: 2, fragments: 3, ping: 2, pong: 1, close: 2, alone: 1, reserved: 1, rsv: 1, unmasked: 1, long: 2, huge: 1, nested: 1, split: 1, utf8: 2 })]();
  }).flat();
  return { frames };
}

function encode(f) {
  const data = Buffer.from(f.data, "latin1");
  const first = (f.fin ? 0x80 : 0) | (f.rsv << 4) | f.op;
  const bit = f.mask ? 0x80 : 0;
  let head;
  const big = (n) => { const b = Buffer.alloc(10); b[0] = first; b[1] = bit | 127; b.writeBigUInt64BE(n, 2); return b; };
  if (f.form === "claim63") head = big(0x7fffffffffffffffn);
  else if (f.form === "claimNegative") head = big(0xffffffffffffffffn);
  else if (f.form === "claim32") head = big(0x100000000n);
  else if (f.form === "large") head = big(BigInt(data.length));
  else if (f.form === "medium" || data.length > 125) head = Buffer.from([first, bit | 126, data.length >> 8, data.length & 255]);
  else head = Buffer.from([first, bit | data.length]);
  if (!f.mask) return Buffer.concat([head, data]);
  const key = Buffer.from([1, 2, 3, 4]);
  return Buffer.concat([head, key, data.map((b, i) => b ^ key[i & 3])]);
}

/** takeFrame takes one frame of the server's, which are short and not masked. */
function takeFrame(b) {
  if (b.length < 2) return null;
  let n = b[1] & 127, at = 2;
  if (n === 126) { if (b.length < 4) return null; n = b.readUInt16BE(2); at = 4; }
  if (n === 127) { if (b.length < 10) return null; n = Number(b.readBigUInt64BE(2)); at = 10; }
  return b.length < at + n ? null : { size: at + n, op: b[0] & 15, data: b.subarray(at, at + n) };
}

export async function run(c, port) {
  const conn = new Connection(port);
  try {
    conn.write(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
    const opened = await conn.answer(true);
    if (opened?.status !== 101) return { opened: opened?.status };
    conn.socket.write(encode(text("40/dyn-1,")));
    const got = [];
    for (let joined = false; ;) {
      const f = await conn.until(takeFrame);
      if (f === null) return { got, end: "cut" };
      if (f.silent) return { got, end: "silent" };
      if (f.op === 8) return { got, end: `close ${f.data.length ? f.data.readUInt16BE(0) : "empty"}` };
      const told = settled(f.data.toString("utf8"));
      if (f.op === 1 && told === "2") { conn.socket.write(encode(text("3"))); continue; }
      if (!joined) {
        joined = told.startsWith('42/dyn-1,["welcome"');
        if (joined) conn.socket.write(Buffer.concat([...c.frames, text('42/dyn-1,999999["types"]')].map(encode)));
        continue;
      }
      if (told.startsWith("43/dyn-1,999999")) return { got, end: "alive" };
      if (/^4[02]\/dyn-2,/.test(told)) continue; // joined at its own time
      if (isParserError(told)) continue;
      got.push(`${f.op} ${told.slice(0, 200)}`);
    }
  } finally {
    conn.close();
  }
}
