// What was said to a server as a program that says the same. The text in it is anybody's: each language has it quoted so that it stays
// a text, and what cannot be seen (control characters, marks that turn the direction of a line) is written as an escape.

import { count, isBinary, isObject, list } from "./schema.js";

// copyAs(kind, request): kind is javascript, typescript, go, python or shell. A request is {url, path, query, auth, headers, namespace,
// transports, version ("4.8" or "2.5"), event, args, ack, timeout (ms)}. Absent members are the client's defaults. Values that JSON has not
// (undefined, functions, NaN) become null, as in the client.
export function copyAs(kind, request) {
	const writer = new Map([["javascript", (r) => script(r, false)], ["typescript", (r) => script(r, true)], ["go", go], ["python", python], ["shell", shell]]).get(kind);
	if (!writer) throw new TypeError(`no language ${kind}`);
	const texts = (value) => (isObject(value) ? Object.entries(value).filter(([, v]) => v !== undefined && v !== null).map(([name, v]) => [name, String(v)]) : []);
	const transports = typeof request.transports === "string" ? request.transports.split(",") : list(request.transports);
	return writer({
		url: String(request.url ?? "http://localhost:3000").replace(/\/+$/, ""),
		path: request.path && !/^\/?socket\.io\/?$/.test(request.path) ? String(request.path) : undefined,
		query: texts(request.query), headers: texts(request.headers), auth: isObject(request.auth) && Object.keys(request.auth).length > 0 ? request.auth : undefined,
		namespace: String(request.namespace || "/"), transports: transports.join() === "polling,websocket" || transports.length === 0 ? undefined : transports.map(String),
		old: String(request.version ?? "").startsWith("2"), event: String(request.event ?? "message"), args: list(request.args), ack: Boolean(request.ack), timeout: count(request.timeout) || 5000,
	});
}

// Letters that are not written as they are: controls, those of no width, those that turn a line round, and halves of a pair.
const unseen = /[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|[\ud800-\udfff]/u;
const unseenAll = new RegExp(unseen.source, "gu");
const hex = (code, digits) => code.toString(16).padStart(digits, "0");
const units = (letter) => letter.split("").map((unit) => "\\u" + hex(unit.charCodeAt(0), 4)).join(""); // as JavaScript and JSON escape it
const point = (letter) => (letter.length > 1 ? "\\U" + hex(letter.codePointAt(0), 8) : units(letter)); // as Go and Python do
const whole = (text) => text.replace(/[\ud800-\udfff]/gu, "\ufffd"); // for languages whose texts have no halves

// What every value is, in one place: each language says how it writes one.
function write(value, how, depth = 0) {
	if (depth > 200) return how.none;
	if (isBinary(value)) return how.bytes(new Uint8Array(value));
	switch (typeof value) {
		case "string": return how.text(value);
		case "boolean": return how.truth(value);
		case "number": return Number.isFinite(value) ? how.number(Object.is(value, -0) ? 0 : value) : how.none;
		case "object":
			if (value === null) return how.none;
			if (Array.isArray(value)) return how.list(value.map((one) => write(one, how, depth + 1)));
			return how.object(Object.entries(value).filter(([, one]) => one !== undefined && typeof one !== "function").map(([name, one]) => [name, write(one, how, depth + 1)]));
	}
	return how.none;
}

const joined = (parts) => parts.filter((part) => part !== undefined && part !== false).join("\n") + "\n";
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

// JavaScript

const modern = {
	none: "null", truth: String, number: String,
	text: (text) => JSON.stringify(text).replace(unseenAll, units),
	list: (items) => `[${items.join(", ")}]`,
	object: (entries) => (entries.length === 0 ? "{}" : `{ ${entries.map(([name, value]) => `${name === "__proto__" ? '["__proto__"]' : /^[A-Za-z_]\w*$/.test(name) ? name : modern.text(name)}: ${value}`).join(", ")} }`),
	bytes: (bytes) => (bytes.length <= 32 ? `Uint8Array.of(${Array.from(bytes, (byte) => "0x" + hex(byte, 2)).join(", ")})` : `Uint8Array.from(atob("${base64(bytes)}"), (c) => c.charCodeAt(0))`),
};

function script(r, typed) {
	const js = r.old ? { ...modern, bytes: (bytes) => modern.bytes(bytes) + ".buffer" } : modern; // version 2 takes views for objects
	const texts = (entries) => js.object(entries.map(([name, value]) => [name, js.text(value)]));
	const options = [
		r.path !== undefined && `path: ${js.text(r.path)}`,
		r.query.length > 0 && `query: ${texts(r.query)}`,
		r.auth !== undefined && !r.old && `auth: ${write(r.auth, js)}`,
		r.headers.length > 0 && (r.old ? `transportOptions: { polling: { extraHeaders: ${texts(r.headers)} }, websocket: { extraHeaders: ${texts(r.headers)} } }` : `extraHeaders: ${texts(r.headers)}`),
		r.transports !== undefined && `transports: ${write(r.transports, js)}`,
	].filter(Boolean);
	const values = [js.text(r.event), ...r.args.map((value) => write(value, js))].join(", ");
	const address = js.text(r.url + (r.namespace === "/" ? "" : r.namespace));
	const connect = `${typed && !r.old ? "const socket: Socket" : "const socket"} = io(${address}${options.length > 0 ? `, {\n${options.map((option) => `\t${option},\n`).join("")}}` : ""});`;
	const answered = r.old ? [
		`\tconst late = setTimeout(() => {`, `\t\tconsole.error("no answer in time");`, `\t\tsocket.disconnect();`, `\t}, ${r.timeout});`,
		`\tsocket.emit(${values}, (...answer${typed ? ": unknown[]" : ""}) => {`, `\t\tclearTimeout(late);`, `\t\tconsole.log(...answer);`, `\t\tsocket.disconnect();`, `\t});`,
	] : [
		`\tsocket.timeout(${r.timeout}).emit(${values}, (err${typed ? ": Error | null" : ""}, ...answer${typed ? ": unknown[]" : ""}) => {`,
		`\t\tif (err) console.error("no answer in time");`, `\t\telse console.log(...answer);`, `\t\tsocket.disconnect();`, `\t});`,
	];
	return joined([
		r.old ? `import io from "socket.io-client"; // 2.5` : `import { io${typed ? ", type Socket" : ""} } from "socket.io-client";`,
		r.old && r.auth !== undefined && `// Version 2 has no auth: ${write(r.auth, json)}`,
		"", connect,
		`socket.on("connect_error", (err${typed ? ": Error" : ""}) => console.error("cannot connect:", err.message));`,
		r.old && `socket.on("error", (err${typed ? ": unknown" : ""}) => console.error("refused:", err));`,
		`socket.once("connect", () => {`,
		...(r.ack ? answered : [`\tsocket.emit(${values});`, `\tsocket.disconnect(); // when it is sent`]),
		"});",
	]);
}

// Go

const goHow = {
	none: "nil", truth: String,
	number: (n) => (Number.isSafeInteger(n) ? (Math.abs(n) < 2 ** 31 ? String(n) : `int64(${n})`) : Number.isInteger(n) || !String(n).includes(".") ? n.toExponential() : String(n)),
	text: (text) => `"${whole(text).replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t").replace(unseenAll, point)}"`,
	list: (items) => `[]any{${items.join(", ")}}`,
	object: (entries) => `map[string]any{${onlyLast(entries).map(([name, value]) => `${goHow.text(name)}: ${value}`).join(", ")}}`,
	bytes: (bytes) => `[]byte("${Array.from(bytes, (byte) => "\\x" + hex(byte, 2)).join("")}")`,
};

// Names that become the same where a text has no halves: a Go map literal does not compile with one twice.
const onlyLast = (entries) => [...new Map(entries.map(([name, value]) => [whole(name), value]))];

function go(r) {
	const imports = ['"context"', !r.ack ? undefined : '"fmt"', '"log"', r.headers.length > 0 ? '"net/http"' : undefined, r.query.length > 0 ? '"net/url"' : undefined, '"time"'].filter(Boolean);
	const several = (type, entries) => {
		const all = new Map();
		for (const [name, value] of entries) all.set(whole(name), [...(all.get(whole(name)) ?? []), goHow.text(value)]);
		return `${type}{${[...all].map(([name, values]) => `${goHow.text(name)}: {${values.join(", ")}}`).join(", ")}}`;
	};
	// The map's keys are used as they are, so the header's are those that net/http has.
	const canonical = ([name, value]) => [name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()), value];
	const options = [
		r.path !== undefined && ["Path", goHow.text(r.path)], r.query.length > 0 && ["Query", several("url.Values", r.query)], r.headers.length > 0 && ["Header", several("http.Header", r.headers.map(canonical))],
		r.auth !== undefined && ["Auth", write(r.auth, goHow)], r.transports !== undefined && ["Transports", `[]string{${r.transports.map(goHow.text).join(", ")}}`], ["NoReconnect", "true"],
	].filter(Boolean);
	const widest = Math.max(...options.map(([name]) => name.length));
	const values = [goHow.text(r.event), ...r.args.map((value) => write(value, goHow))].join(", ");
	return joined([
		"package main", "", "import (", ...imports.map((name) => "\t" + name), "", '\t"github.com/sockeye-io/sockeye/socketio/client"', ")", "",
		"func main() {", `\tctx, cancel := context.WithTimeout(context.Background(), ${r.timeout}*time.Millisecond)`, "\tdefer cancel()",
		`\tc, err := client.New(${goHow.text(r.url)}, &client.Options{`, ...options.map(([name, value]) => `\t\t${(name + ":").padEnd(widest + 1)} ${value},`), "\t})", ...fatal,
		"\tdefer c.Close()", `\ts := c.Socket(${goHow.text(r.namespace)})`,
		"\tif err := s.Connect(ctx); err != nil {", "\t\tlog.Fatal(err)", "\t}",
		...(r.ack ? [`\tanswer, err := s.EmitWithAck(ctx, ${values})`, ...fatal, "\tfor i := range answer.Len() {", "\t\tvar v any", "\t\tif err := answer.At(i).Decode(&v); err != nil {", "\t\t\tlog.Fatal(err)", "\t\t}", "\t\tfmt.Println(v)", "\t}"]
			: [`\tif err := s.Emit(${values}); err != nil {`, "\t\tlog.Fatal(err)", "\t}"]),
		"}",
	]);
}

const fatal = ["\tif err != nil {", "\t\tlog.Fatal(err)", "\t}"];

// Python

const py = {
	none: "None", truth: (value) => (value ? "True" : "False"), number: (n) => (Number.isSafeInteger(n) ? String(n) : Number.isInteger(n) ? BigInt(n).toString() : String(n)),
	text: (text) => `"${whole(text).replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t").replace(unseenAll, point)}"`,
	list: (items) => `[${items.join(", ")}]`,
	object: (entries) => `{${entries.map(([name, value]) => `${py.text(name)}: ${value}`).join(", ")}}`,
	bytes: (bytes) => `b"${Array.from(bytes, (byte) => "\\x" + hex(byte, 2)).join("")}"`,
};

function python(r) {
	const values = r.args.map((value) => write(value, py));
	const data = values.length === 0 ? "" : `, (${values.join(", ")}${values.length === 1 ? "," : ""})`; // a tuple is a list of arguments
	const query = r.query.length > 0 ? "?" + r.query.map((pair) => pair.map((text) => encodeURIComponent(whole(text))).join("=")).join("&") : "";
	const options = [
		`namespaces=[${py.text(r.namespace)}]`, r.auth !== undefined && `auth=${write(r.auth, py)}`, r.headers.length > 0 && `headers={${r.headers.map(([name, value]) => `${py.text(name)}: ${py.text(value)}`).join(", ")}}`,
		r.transports !== undefined && `transports=[${r.transports.map(py.text).join(", ")}]`, r.path !== undefined && `socketio_path=${py.text(r.path.replace(/^\/+|\/+$/g, ""))}`,
	].filter(Boolean);
	const seconds = String(r.timeout / 1000);
	return joined([
		`# pip install "python-socketio[client]${r.old ? "<5" : ""}"`, "import socketio", "",
		`client = socketio.Client(reconnection=False)`,
		`client.connect(`, `    ${py.text(r.url + query)},`, ...options.map((option) => `    ${option},`), `    wait_timeout=${seconds},`, ")",
		"try:",
		r.ack ? `    print(client.call(${py.text(r.event)}${data}, namespace=${py.text(r.namespace)}, timeout=${seconds}))` : `    client.emit(${py.text(r.event)}${data}, namespace=${py.text(r.namespace)})`,
		!r.ack && "    client.eio.queue.join()  # until it is sent",
		"finally:", "    client.disconnect()",
	]);
}

// Shell: bash, zsh and ksh

// In single quotes nothing is special but their end; with what cannot be seen in it, in $'…', byte by byte. Arguments cannot hold NUL.
const quoted = (text) => {
	text = whole(text).replaceAll("\0", "\ufffd");
	if (/^[A-Za-z0-9_./:%+,-]+$/.test(text)) return text;
	if (!unseen.test(text.replaceAll("\n", ""))) return `'${text.replaceAll("'", "'\\''")}'`;
	const bytes = (letter) => Array.from(new TextEncoder().encode(letter), (byte) => "\\" + byte.toString(8).padStart(3, "0")).join("");
	return `$'${text.replace(/[\\']/g, "\\$&").replaceAll("\n", "\\n").replace(unseenAll, bytes)}'`;
};

// JSON in one line, without what cannot be seen. Bytes inside another value have no place on a command line.
const json = { ...modern, list: (items) => `[${items.join(",")}]`, object: (entries) => `{${entries.map(([name, value]) => `${modern.text(name)}:${value}`).join(",")}}`, bytes: (bytes) => `{"base64":"${base64(bytes)}"}` };

const deepBytes = (value, depth = 0) => depth < 200 && typeof value === "object" && value !== null && (isBinary(value) || Object.values(value).some((one) => deepBytes(one, depth + 1)));

function shell(r) {
	const query = r.query.length > 0 ? "?" + r.query.map((pair) => pair.map((text) => encodeURIComponent(whole(text))).join("=")).join("&") : "";
	const values = r.args.map((value) => (isBinary(value) ? `@<(printf %s ${quoted(base64(new Uint8Array(value)))} | base64 -d)` : quoted(write(value, json))));
	const options = [
		r.namespace !== "/" && `--namespace ${quoted(r.namespace)}`, r.auth !== undefined && `--auth ${quoted(write(r.auth, json))}`, ...r.headers.map(([name, value]) => `--header ${quoted(`${name}: ${value}`)}`),
		r.path !== undefined && `--path ${quoted(r.path)}`, r.transports?.length === 1 && `--transport ${quoted(r.transports[0])}`, r.ack && "--ack", `--timeout ${r.timeout}ms`,
	].filter(Boolean);
	return joined([
		r.old && "# sockeye speaks as version 4 does.",
		r.args.some((value) => !isBinary(value) && deepBytes(value)) && "# Bytes inside of a value cannot be given here: they stand as base64.",
		["sockeye emit", ...options, "--", quoted(r.url + query), quoted(r.event), ...values].join(" "),
	]);
}
