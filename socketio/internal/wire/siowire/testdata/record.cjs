// Records what socket.io-parser answers to the packets below, one JSON line each, for node_test.go:
//
//	npm install --prefix DIR socket.io-parser@4.2.7 && NODE_PATH=DIR/node_modules node record.cjs > node.jsonl
//
// A packet is a list of messages: strings are text, {"hex": …} is binary.
const { Decoder } = require("socket.io-parser");

const bin = (hex) => ({ hex });
const ph = (num) => `{"_placeholder":true,"num":${num}}`;
const cases = [
  // types
  [""], ["7"], ["9[]"], ["a"], [" 2[\"a\"]"], ["-1"], ["5"], ["6"], ["2"], ["3"], ["31"], ["0"], ["1"], ["4"],
  // connect, disconnect, connect error
  ["0{}"], ["0{\"token\":\"x\"}"], ["0[]"], ["0null"], ["0\"x\""], ["0{"], ["0/nsp"], ["0/nsp,"], ["0/nsp,{}"], ["0/nsp?token=1&x=%20,{}"], ["0/"], ["0/,"], ["0/,{}"],
  ["01{}"], ["0 "], ["1{}"], ["1/nsp"], ["1/nsp,"], ["1/nsp,{}"], ["1null"], ["4{}"], ["4\"no\""], ["4[]"], ["4null"], ["44"], ["4abc"], ["4/a,{\"message\":\"m\"}"],
  // events
  ["2[\"a\"]"], ["2[\"a\",1,null,true,{\"b\":[]}]"], ["2[]"], ["2{}"], ["2\"a\""], ["2[null]"], ["2[{}]"], ["2[{\"toString\":1}]"], ["2[[\"a\"]]"], ["2[true]"], ["2[1]"],
  ["2[-1.50]"], ["2[1e21,\"x\"]"], ["2[\"\"]"], ["2[\"connect\"]"], ["2[\"connect_error\"]"], ["2[\"disconnect\"]"], ["2[\"disconnecting\"]"], ["2[\"newListener\"]"],
  ["2[\"removeListener\"]"], ["2[\"error\"]"], ["2[\"connecting\"]"], ["2[\"con\\u006eect\"]"], ["2[\"caf\\u00e9\"]"], ["2[\"__proto__\",{\"__proto__\":1}]"],
  ["2[\"a\"] "], ["2[ \"a\" , 1 ]\n"], ["2[\"a\",]"], ["2[\"a\""], ["2[\"a\"]]"], ["2[\"a\"]x"], ["2[,\"a\"]"], ["2[\"a\" 1]"], ["2[\"a\",01]"], ["2[\"a\",1.]"], ["2[\"a\",.5]"],
  ["2[\"a\",+1]"], ["2[\"a\",-]"], ["2[\"a\",1e]"], ["2[\"a\",NaN]"], ["2[\"a\",undefined]"], ["2[\"a\",'b']"], ["2[\"a\",\"\t\"]"], ["2[\"a\",\"\\x\"]"], ["2[\"a\",\"\\u12\"]"],
  ["2[\"a\",\"\\ud83d\"]"], ["2[\"a\",\"\u2028\"]"], ["2[\"a\",{\"a\":1,\"a\":2}]"], ["2[\"a\",{a:1}]"], ["2[\"a\",{\"a\"}]"], ["2[\"a\",{\"a\":1,}]"], ["2[\"a\",tru]"], ["2[\"a\",-0]"],
  ["2[\"a\",9007199254740993]"], ["2[\"a\",1e400]"], ["2[\"a\",\u00a01]"], ["2\ufeff[\"a\"]"],
  // ids and namespaces
  ["20[\"a\"]"], ["212[\"a\"]"], ["2007[\"a\"]"], ["29007199254740991[\"a\"]"], ["2-1[\"a\"]"], ["21.5[\"a\"]"], ["2/nsp,1[\"a\"]"], ["2/nsp[\"a\"]"], ["2/nsp,[\"a\"]"],
  ["2/a,b,[\"a\"]"], ["2/nsp/deep,5[\"a\"]"], ["2/,[\"a\"]"], ["2nsp,[\"a\"]"], ["2/\u65e5\u672c,[\"a\"]"], ["21"], ["2/nsp"],
  ["2 [\"a\"]"], ["2 \t\n\v\f\r[\"a\"]"], ["2 12[\"a\"]"], ["212 [\"a\"]"], ["2/nsp, [\"a\"]"], ["21 2[\"a\"]"], ["2\u00a0[\"a\"]"], ["1 "], ["1 1"], ["0 {\"a\":1}"], ["3 [1]"], [`51- ["a",${ph(0)}]`, bin("01")],
  // acks
  ["31[]"], ["31[1,\"x\",null]"], ["3[]"], ["31{}"], ["31null"], ["31[\"connect\"]"], ["3/nsp,12[{}]"], ["31[connect]"],
  // attachments
  [`51-["a",${ph(0)}]`, bin("0102")], [`51-["a",${ph(0)}]`, bin("")], [`52-/nsp,7["a",{"x":[${ph(1)},${ph(0)}]}]`, bin("01"), bin("02")], [`61-1[${ph(0)}]`, bin("ff")],
  [`51-["a",{"num":0,"_placeholder":true}]`, bin("07")], [`51-["a",{ "_placeholder" : true , "num" : 0 }]`, bin("07")], [`51-["a",{"_placeholder":false,"num":0}]`, bin("07")],
  [`51-["a",{"_placeholder":1,"num":0}]`, bin("07")], [`51-["x"]`, bin("01")], [`50-["x"]`], [`5-["x"]`], [`5["x"]`], [`5x-["x"]`], [`51["x"]`], [`5-1-["x"]`], [`51.5-["x"]`],
  [`5 1-["x"]`], [`51e0-["x"]`], [`511-["x"]`], [`510-["x"]`, ...Array.from({ length: 10 }, () => bin("00"))], [`59999-["x"]`], [`559999999999999999999-["x"]`], [`51-`, bin("00")], [`51`],
  [`51-["a",${ph(1)}]`, bin("01")], [`51-["a",${ph(-1)}]`, bin("01")], [`51-["a",${ph("0.5")}]`, bin("01")], [`51-["a",${ph('"0"')}]`, bin("01")],
  [`51-["a",${ph('"splice"')}]`, bin("01")], [`51-["a",${ph("1e9")}]`, bin("01")], [`51-["a",${ph("null")}]`, bin("01")], [`51-["a",{"_placeholder":true}]`, bin("01")],
  [`52-["a",${ph(0)},${ph(0)}]`, bin("01"), bin("02")], [`51-["a",{"_placeholder":true,"num":0,"more":1}]`, bin("01")], [`51-["a",{"_placeholder":true,"num":1,"num":0}]`, bin("01")],
  [`51-["a",{"_placeh\\u006flder":true,"num":0}]`, bin("01")], [`51-[${ph(0)}]`, bin("01")], [`51-{"a":${ph(0)}}`, bin("01")], [`2["a",${ph(0)}]`], [`2["a",${ph(9)}]`],
  [`51-["a",${ph(0)}]`, `2["b"]`], [bin("00")], [`2["a"]`, bin("00")], [`52-["a",${ph(0)},${ph(1)}]`, bin("01"), `2["b"]`], [`51-["connect",${ph(0)}]`, bin("00")],
];

const describe = (v) =>
  v === undefined ? null
  : Buffer.isBuffer(v) ? { $hex: v.toString("hex") }
  : Array.isArray(v) ? v.map(describe)
  : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, describe(x)]))
  : v === Infinity ? "Infinity"
  : v;

for (const messages of cases) {
  const packets = [];
  let error = null;
  const decoder = new Decoder();
  decoder.on("decoded", (p) => packets.push({ type: p.type, nsp: p.nsp, id: Number.isNaN(p.id) ? "NaN" : p.id ?? null, data: p.data === undefined ? "absent" : describe(p.data) }));
  try {
    for (const m of messages) decoder.add(typeof m === "string" ? m : Buffer.from(m.hex, "hex"));
  } catch (e) {
    error = e.message;
  }
  console.log(JSON.stringify({ messages, packets, error }));
}
