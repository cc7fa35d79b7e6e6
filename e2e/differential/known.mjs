// The differences from Node that are meant. Each has a row with its tag in docs/rough_edges.md; explains says whether a difference
// that was seen, in the case c, is that one. A rule explains as little as it can: what it lets pass, nobody sees.
import { isDeepStrictEqual as same } from "node:util";
import { packets as unpack } from "./wire.mjs";

const ended = (o) => typeof o?.end === "string" && /^(closed?|cut)/.test(o.end);
/** One of two lists is a beginning of the other; of objects, for each member. */
const begins = (a = [], b = []) => (Array.isArray(a) ? a.slice(0, b.length).every((x, i) => same(x, b[i])) : Object.keys({ ...a, ...b }).every((k) => begins(a[k], b[k])));
const refused = (answer) => answer === "refused" || answer === "404" || answer === "413" || answer?.status >= 400;
const words = (answer) => typeof answer === "string";

export const known = [
  { tag: "late-output", families: ["packets", "frames"],
    explains: (c, here, node) => ended(here) && here.end === node.end && begins(here.got, node.got) },
  { tag: "late-output", families: ["payloads"],
    explains: (c, here, node) => here.post === node.post && /poll 400|dead/.test(here.end) && /poll 400|dead/.test(node.end) && begins(told(here.polls), told(node.polls)) },
  { tag: "early-event", families: ["packets"],
    explains: (c, here, node) => here.end === "alive" && /closed/.test(node.end) && c.frames.some((f, i) => {
      const joins = /^0(\/[^,]*)?/.exec(f);
      const nsp = joins && (joins[1] ?? "/");
      return nsp && c.frames.slice(i + 1).some((g) => nsp === "/" ? /^[256](\d+-)?(\/,|[^/])/.test(g) : /^[256]/.test(g) && g.includes(`${nsp},`));
    }) },
  { tag: "dropped-probe", families: ["sequences"],
    explains: (c, here, node) => {
      const at = here.seen?.findIndex((s, i) => s !== node.seen[i]) ?? -1;
      return at > 0 && here.seen[at] === "probe: closed 1005" && c.steps.slice(0, at).includes("drop");
    } },
  { tag: "frame-length", families: ["frames"],
    explains: (c, here) => c.frames.some((f) => /medium|large|claimNegative/.test(f.form)) && here.end === "close 1002" },
  { tag: "close-packet", families: ["frames"],
    explains: (c, here) => c.frames.some((f) => f.data === "1") && here.end === "close empty" },
  { tag: "no-context", families: ["offers"],
    explains: (c, here, node) => here.accepted && node.accepted && same(own(here.accepted), own(node.accepted)) },
  { tag: "offer-form", families: ["offers"],
    explains: (c, here, node) => /Permessage|=0\d/.test(c.header) && here.accepted && node.accepted },
  { tag: "malformed-offer", families: ["offers"],
    explains: (c, here, node) => here.accepted && node.refused === "refused" },
  { tag: "bad-payload", families: ["payloads"],
    explains: (c, here, node) => /^400/.test(here.post) && here.end === "dead" && /^200/.test(node.post) && (node.end !== "alive" || (c.eio === 3 ? looseBase64.test(c.body) || /(^|\D|[0-9]:.)0:/.test(c.body) : packetsOf(c).some((p) => oddBase64.test(p)))) },
  { tag: "blank-type", families: ["payloads", "packets"],
    explains: (c, here, node) => /(^|[\x1e:])4[ \n]|^[ \n]/.test(c.body ?? c.frames.filter((f) => /^[ \n]/.test(f))[0] ?? "") && /poll 400|closed/.test(here.end) && node.end === "alive" },
  { tag: "just-left", families: ["sequences"],
    explains: (c, here, node) => {
      const at = here.seen?.findIndex((s, i) => s !== node.seen[i]) ?? -1;
      return at > 0 && c.steps.slice(0, at).some((s) => s === "bye" || s === "leave") && /: (200|alive)/.test(here.seen[at]) && /: (400|closed 1005)|200 "1"/.test(node.seen[at]);
    } },
  { tag: "second-connect", families: ["payloads", "packets"],
    explains: (c, here, node) => repeats(packetsOf(c).map((f) => /^4?0(?![0-9])(\/[^,]*)?/.exec(f)).map((m) => m && (m[1] ?? "/"))) && here.end === "alive" },
  { tag: "no-payload", families: ["packets", "payloads"],
    explains: (c, here, node) => packetsOf(c).some((f) => /^4?2[^[{"]*$/.test(f)) && /closed|poll 400|dead/.test(here.end) && node.end === "alive" },
  { tag: "huge-numbers", families: ["packets"],
    explains: (c, here, node) => c.frames.some((f) => typeof f === "string" && f.includes('"types"') && f.includes("1e400")) && here.end === node.end },
  { tag: "placeholders", families: ["packets", "payloads"],
    explains: (c, here, node) => packetsOf(c).some((f) => typeof f === "string" && oddPlaces(f)) && /closed|poll 400|dead/.test(here.end) && node.end === "alive" },
  { tag: "repeated-parameters", families: ["http"],
    explains: (c, here) => ["EIO", "transport", "sid"].some((k) => c.query.some(([n, v]) => n === k && v === "%00") || new Set(c.query.filter(([n]) => n === k).map(([, v]) => v)).size > 1) && here.answer?.status === 400 && here.session },
  { tag: "second-connect", families: ["sequences"],
    explains: (c, here, node) => {
      const at = here.seen?.findIndex((s, i) => s !== node.seen[i]) ?? -1;
      const before = c.steps.slice(0, Math.max(at, 0));
      if (!before.includes("connect") && before.indexOf("again") === before.lastIndexOf("again") || /silent|closed/.test(here.seen[at])) return false;
      // Node's session ends, once its client polls; until then it answers anything, also what ends a session here.
      return /: (nothing|closed 1005|400|refused 400|200, 200 "1")/.test(node.seen[at]) || here.seen[at] === "posted: 400" && node.seen[at] === "posted: 200";
    } },
  { tag: "just-left", families: ["payloads", "packets"],
    explains: (c, here, node) => (c.body?.split(/\x1e|\d+:/) ?? c.frames).some((f) => /^4?1(\/|$)/.test(f)) && here.end === "alive" && /poll 400|closed|dead/.test(node.end) },
  { tag: "get-body", families: ["http"],
    explains: (c, here, node) => c.method === "GET" && (c.body || c.length !== true) && here.answer?.status === 400 && here.session },
  { tag: "http-form", families: ["http"],
    explains: (c, here, node) => malformed(c) && refused(here.answer) !== refused(node.answer) && here.answer !== "silent" },
  { tag: "paths", families: ["http"],
    explains: (c, here) => c.path !== "/socket.io/" && (here.answer === "404" || here.answer?.status === 307 || [101, 200].includes(here.answer?.status) && c.path.includes("%") || refused(here.answer)) && here.session },
  { tag: "websocket-cookie", families: ["http"],
    explains: (c, here, node) => here.answer?.status === 101 && here.answer.cookie && same({ ...here.answer, cookie: undefined }, { ...node.answer, cookie: undefined }) },
  { tag: "jsonp", families: ["http"],
    explains: (c, here, node) => c.query.some(([k]) => k === "j") && (/^___eio/.test(node.answer?.body) || node.answer?.status === 400) },
  { tag: "refusal-origin", families: ["http"],
    explains: (c, here, node) => here.session === node.session && refused(here.answer) && refused(node.answer) && c.headers.some(([k]) => k === "Origin")
      && same({ ...here.answer, origin: 0, credentials: 0 }, { ...node.answer, origin: 0, credentials: 0 }) },
  { tag: "bad-payload", families: ["http"],
    explains: (c, here, node) => c.method === "POST" && here.answer?.status === 400 && node.answer?.body === "ok" && !here.session && !node.session },
  { tag: "refusal-words", families: ["http"],
    explains: (c, here, node) => here.session === node.session && refused(here.answer) && refused(node.answer) && (words(here.answer) || words(node.answer)) },
];

/** What a case sends, packet by packet. */
const packetsOf = (c) => c.frames ?? unpack(c.eio, c.body);
const told = (polls) => (Array.isArray(polls) ? polls : Object.values(polls).flat()).filter((p) => p !== "1");
/** Whether a list names something twice. */
const repeats = (list) => { const named = list.filter(Boolean); return new Set(named).size < named.length; };
/** A request that HTTP/1.1 does not allow, or that its readers are known to differ about. */
const malformed = (c) => c.version !== "HTTP/1.1" || c.body && c.length === "none" || c.before !== "" || c.eol !== "\r\n" || c.method === "get" || !["none", "chunked"].includes(c.length) && c.length !== true
  || c.headers.filter(([k]) => k === "Host").length !== 1 || c.headers.some(([k, v]) => /[ \t]/.test(k) || /[\x00-\x08]/.test(v) || k === "Upgrade" && v === "h2c" || k === "Expect")
  || ["Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key"].some((n) => c.headers.filter(([k]) => k === n).length > 1);
/** Whether the placeholders of a packet are not the numbers from 0 on, each once. */
const oddPlaces = (f) => { const n = [...f.matchAll(/"num":([^}]*)}/g)].map((m) => m[1]); return n.some((x) => !/^\d+$/.test(x)) || new Set(n).size < n.length; };
const looseBase64 = /b(?!4[A-Za-z0-9+/]*={0,2}(\d|$))/; // a binary packet of revision 3 that is not exactly one
const oddBase64 = /^b(?!([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$)/; // of revision 4, where it is all of a packet
const own = (list) => list.filter((p) => !/_no_context_takeover$|^client_max_window_bits/.test(p));
