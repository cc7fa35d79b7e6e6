// Sequences of Socket.IO packets over WebSocket: CONNECT, EVENT, ACK, DISCONNECT, attachments and placeholders, well-formed and not.
import { stretch } from "../lib/patience.mjs";
import WebSocket from "ws";
import { byNamespace } from "./payloads.mjs";
import { isParserError, settled } from "./wire.mjs";

export const name = "packets";
export const profile = "main";

const namespaces = ["", "/", "/,", "/chat,", "/chat", "/dyn-2,", "/dyn-x,", "/nope,", "/auth,", "/tenant/a,", "chat,", "/chat?a=b,", "/é,"];
const ids = ["", "", "0", "7", "12", "9007199254740991", "007", "-1", "1.5"];
const values = ["1", '"x"', "null", "true", "[]", "{}", '[1,["a"]]', '{"a":{"b":null}}', '"\\u0041\\ud83d"', "1e400", "-0", '{"__proto__":{"x":1}}', '"' + "x".repeat(40) + '"'];
const place = (n) => `{"_placeholder":true,"num":${n}}`;
const events = ["echo", "types", "echoBack", "setData", "join", "forbidden", "nothing", "connect", "disconnect", "error", "connect_error", "newListener", "", "__proto__", "constructor"];

const args = (r) => r.several(3, () => r.pick(values)).join(",");

const makers = {
  connect: (r) => [`0${r.pick(namespaces)}${r.pick(["", "", "{}", '{"token":"s3cret"}', '{"tenant":"a"}', '{"deny":1}', '{"denyPlain":1}', "[]", "null", '"x"', "1", "{", '{"sid":"x"}'])}`],
  event: (r) => [`2${r.pick(namespaces)}${r.pick(ids)}[${JSON.stringify(r.pick(events))},${args(r)}]`],
  ask: (r) => [`2/dyn-1,${r.int(50)}["${r.pick(["echo", "types"])}",${args(r)}]`],
  bare: (r) => [`2/dyn-1,${r.pick(ids)}${r.pick(["", "[]", '["echo"]', "{}", '{"0":"echo"}', '"echo"', '[1]', '[2,"a"]', "[null]", '[["echo"]]', '[{"toString":1}]', '["echo",]', '["echo"]x', ' ["echo"]', '["echo" , 1 ]'])}`],
  disconnect: (r) => [`1${r.pick(namespaces)}${r.pick(["", "", "{}", "x", "[]"])}`],
  ack: (r) => [`3${r.pick(namespaces)}${r.pick(ids)}${r.pick(["[]", "[1]", '["x",2]', "", "{}", "1"])}`],
  error: (r) => [`4${r.pick(namespaces)}${r.pick(["", "{}", '{"message":"x"}', '"x"'])}`],
  binary: (r) => {
    const n = r.int(4);
    const named = r.weighted({ right: 6, same: 1, other: 1, odd: 1 });
    const places = Array.from({ length: n }, (_, i) => place({ right: i, same: 0, other: i + 1, odd: r.pick(['"0"', "-1", "1.5", "null", "1e3", "00"]) }[named]));
    const announced = r.chance(0.85) ? n : r.pick([n + 1, Math.max(0, n - 1), "", "01", "-1", "1.5", 11, "9999999999999999999"]);
    const sent = r.chance(0.85) ? n : r.int(4);
    return [`5${announced}-${r.pick(["/dyn-1,", "/dyn-1,", "", "/chat,"])}${r.pick(["", "3"])}["echo"${places.map((p) => `,${p}`).join("")}]`, ...Array.from({ length: sent }, () => Buffer.from([1, 2, r.int(3)]))];
  },
  binaryAck: (r) => [`6${r.pick(["1-", "", "0-"])}/dyn-1,${r.pick(ids)}[${place(0)}]`, Buffer.from([9])],
  stray: (r) => [r.pick([Buffer.from([1, 2]), Buffer.alloc(0)])],
  type: (r) => [r.pick(["", "7", "8", "9", "a", "é", "-", " 2", "00", "2 "]) + r.pick(["", '/dyn-1,["echo",1]'])],
};

export function generate(r) {
  const frames = r.several(4, () => {
    const made = makers[r.weighted({ connect: 4, event: 3, ask: 4, bare: 2, disconnect: 2, ack: 2, error: 1, binary: 4, binaryAck: 1, stray: 1, type: 1 })](r);
    return r.chance(0.12) ? made.map((f) => (typeof f === "string" ? r.mutate(f, '0123456789-/,[]{}" \\ex') : f)) : made;
  }).flat();
  return { frames: frames.map((f) => (typeof f === "string" ? f : { bytes: [...f] })) };
}

/** All that is told between joining /dyn-1 and the answer to a marker there, or the end. */
export function run(c, port) {
  return new Promise((resolve) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
    const got = [];
    let joined = false, end = null;
    const timer = setTimeout(() => { end = "silent"; ws.terminate(); }, stretch(10_000));
    ws.on("error", () => {});
    ws.on("close", (code) => {
      clearTimeout(timer);
      end ??= `closed ${code}`;
      resolve({ got: byNamespace(got), end });
    });
    ws.on("message", (data, binary) => {
      if (binary) return got.push(`binary ${data.toString("hex")}`);
      const text = data.toString();
      if (text === "2") return ws.send("3");
      if (text[0] === "0") return ws.send("40/dyn-1,");
      if (!joined && text.startsWith('42/dyn-1,["welcome"')) {
        joined = true;
        for (const f of c.frames) ws.send(typeof f === "string" ? `4${f}` : Buffer.from(f.bytes));
        // Whatever asks a middleware has its answer by the time that /slow lets in.
        ws.send("40/slow,");
        return;
      }
      if (!joined) return;
      if (text.startsWith("40/slow,")) return ws.send('42/dyn-1,999999["types"]');
      if (text.startsWith("43/dyn-1,999999")) { end = "alive"; return ws.terminate(); }
      if (!text.startsWith("42/slow,") && !isParserError(text)) got.push(text.slice(1).startsWith("2") && text.includes('["welcome"') ? `${text.slice(0, text.indexOf("["))}welcome` : settled(text.slice(1)));
    });
  });
}
