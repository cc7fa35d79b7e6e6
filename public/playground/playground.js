import { $, $$, apart, el, page, plainly } from "/assets/page.js";
import { copyText } from "/assets/dom.js";
import { io, watch } from "/assets/live.js";
import { Log, brief } from "/assets/log.js";
import { JSONError, parse } from "/assets/json.js";
import { decode, dump, tap } from "/assets/wire.js";
import { asGo, asJavaScript } from "./copy.js";
import { near } from "/doctor/near.js";
import { namespaceOf } from "/assets/namespace.js";
import words from "./words.js";

const t = page("playground", words);
$("#state").textContent = t("idle");

let socket, known = []; // the namespaces that the server has
fetch("/namespaces.json").then((res) => res.json()).then((names) => {
	known = names;
	$("#known").append(...names.map((value) => el("option", { value })));
}, () => {}); // without the list there is nothing to suggest

const entries = []; // what the timeline shows, and what Export writes
const timeline = new Log($("#timeline"), 1000);

// Connection

$("#connection").addEventListener("submit", (event) => {
	event.preventDefault();
	const namespace = chosen();
	if (!namespace) return $("#namespace").focus();
	const auth = json($("#auth"), $("#auth-problem")), query = json($("#query"), $("#query-problem"));
	if (auth === undefined || query === undefined) return;
	socket?.disconnect();
	socket = io(location.origin + namespace, { auth, query, transports: $("#transports").value.split(","), forceNew: true, autoConnect: false, reconnectionDelayMax: 3000 });
	tap(socket.io, { packet: frame, upgrading: (name) => note("info", "upgrading", name), upgraded: (name) => note("info", "upgrade", name) });
	watch(socket, t, $("#state"));
	socket.on("connect", () => note("info", "connect", { id: socket.id, recovered: socket.recovered }));
	socket.on("disconnect", (reason) => note("info", "disconnect", reason, plainly(reason)));
	socket.on("connect_error", (err) => {
		note("info", "connect_error", { message: err.message, data: err.data }, plainly(err));
		if (err.message !== "Invalid namespace" || !known.length) return;
		const meant = near(namespace, known).find((other) => known.includes(other));
		$("#namespace-problem").textContent = t("unknown", { namespace, known: known.join("  ") }) + (meant ? " " + t("meant", { meant }) : "");
	});
	socket.onAny((name, ...args) => {
		const ack = typeof args.at(-1) === "function" && args.pop();
		note("down", name, ...args);
		if (!ack) return;
		ack("yes"); // somebody at the server waits for it
		note("up", `${name} → ${t("answered")}`, "yes");
	});
	socket.connect();
	$("#send").disabled = $("#disconnect").disabled = false;
});

$("#disconnect").addEventListener("click", () => socket.disconnect());

// The namespace that is asked for, corrected where it is clear what is meant, or undefined and told why it is none.
function chosen() {
	const { namespace, problem } = namespaceOf($("#namespace").value);
	$("#namespace").toggleAttribute("aria-invalid", problem !== undefined);
	if (problem) $("#namespace").setAttribute("aria-invalid", "true");
	const corrected = namespace !== undefined && namespace !== $("#namespace").value;
	$("#namespace-problem").textContent = problem ? t("no." + problem) : corrected ? t("taken", { namespace }) : "";
	if (corrected) $("#namespace").value = namespace;
	return namespace;
}

// Emit

function addArgument(kind = "json", value = '{"hello":"river"}') {
	const n = $$("#args li").length + 1;
	const select = el("select", { ariaLabel: t("kind", { n }) }, el("option", { value: "json" }, "JSON"), el("option", { value: "text" }, t("text")), el("option", { value: "file" }, t("file")));
	const area = el("textarea.code", { rows: 2, value, spellcheck: false, ariaLabel: t("value", { n }) });
	const file = el("input", { type: "file", hidden: true, ariaLabel: t("value", { n }) });
	const problem = el("pre.problem");
	const item = el("li", {}, select, el("div", {}, area, file), el("button", { type: "button", ariaLabel: t("remove", { n }), onclick: () => item.remove() }, "×"), problem);
	select.value = kind;
	const show = () => { area.hidden = select.value === "file"; file.hidden = !area.hidden; problem.textContent = ""; area.removeAttribute("aria-invalid"); };
	select.addEventListener("change", show);
	show();
	$("#args").append(item);
}
$("#more").addEventListener("click", () => addArgument("json", "null"));

// The arguments as values, or undefined when one of them is marked as broken.
async function args() {
	const values = await Promise.all($$("#args li").map(async (item) => {
		const [kind, area, file, problem] = [$("select", item).value, $("textarea", item), $("input", item), $(".problem", item)];
		if (kind === "text") return area.value;
		if (kind === "json") return json(area, problem);
		problem.textContent = file.files.length ? "" : t("noFile");
		return file.files.length ? file.files[0].arrayBuffer() : undefined;
	}));
	return values.includes(undefined) ? undefined : values;
}

$("#emit").addEventListener("submit", async (event) => {
	event.preventDefault();
	const values = await args(), name = $("#event").value;
	if (!values) return;
	note("up", name, ...values);
	if (!socket.connected) note("info", t("dropped"));
	let to = $("#volatile").checked ? socket.volatile : socket;
	try {
		if (!$("#ack").checked) return void to.emit(name, ...values);
		const ms = Number($("#timeout").value) || 5000, start = performance.now();
		to.timeout(ms).emit(name, ...values, (err, ...answer) => err
			? note("info", name, t("noAck", { ms }))
			: note("down", `${name} ← ${t("acked", { ms: Math.round(performance.now() - start) })}`, ...answer));
	} catch (err) {
		note("info", name, err.message); // a reserved name, for one
	}
});

function json(area, problem) {
	problem.textContent = "";
	area.removeAttribute("aria-invalid");
	try {
		return parse(area.value);
	} catch (err) {
		if (!(err instanceof JSONError)) throw err;
		area.setAttribute("aria-invalid", "true");
		area.closest("details")?.setAttribute("open", "");
		problem.textContent = `${err.excerpt}\n${t("broken", { line: err.line, column: err.column, wanted: t(err.wanted) })}`;
		area.focus();
		area.setSelectionRange(err.at, err.at + 1);
		return undefined;
	}
}

// Timeline

function note(way, name, ...values) {
	const entry = { at: new Date().toISOString(), way, name, args: values.map(plain) };
	entries.push(entry);
	if (entries.length > 1000) entries.shift();
	entry.row = timeline.add(way, el("b", {}, apart(name)), " ", values.map((value) => brief(value)).join("  "));
	filter(entry);
}

const plain = (value) => (value instanceof ArrayBuffer ? { bytes: value.byteLength } : value);

function filter(entry) {
	const only = $("#only").value.split(",").map((name) => name.trim()).filter(Boolean);
	const ways = $$(".filters input:checked").map((box) => box.value);
	const text = (entry.name + JSON.stringify(entry.args)).toLowerCase();
	entry.row.hidden = !ways.includes(entry.way) || !text.includes($("#search").value.toLowerCase()) ||
		(entry.way === "down" && only.length > 0 && !only.some((name) => entry.name === name || entry.name.startsWith(name + " ←")));
}
$(".filters").addEventListener("input", () => entries.forEach(filter));

$("#clear").addEventListener("click", () => {
	entries.length = 0;
	timeline.clear();
	$("#frames").replaceChildren();
});

$("#export").addEventListener("click", () => {
	const href = URL.createObjectURL(new Blob([JSON.stringify(entries.map(({ row, ...entry }) => entry), null, "\t")], { type: "application/json" }));
	el("a", { href, download: "timeline.json" }).click();
	setTimeout(() => URL.revokeObjectURL(href), 1000);
});

// Wire

function frame(packet, way, transport) {
	if (!$("#beats").checked && (packet.type === "ping" || packet.type === "pong")) return;
	const decoded = decode(packet, transport);
	const button = el("button", { type: "button", onclick() {
		$('[aria-current="true"]', $("#frames"))?.removeAttribute("aria-current");
		button.setAttribute("aria-current", "true");
		anatomy(decoded, transport);
	} }, el("span.way." + way, {}, way === "up" ? "↑" : "↓"), ...decoded.parts.map(part));
	const list = $("#frames");
	list.append(el("li", {}, button));
	while (list.children.length > 300) list.firstElementChild.remove();
	list.scrollTop = list.scrollHeight;
}

const part = ({ kind, text }) => el("span.part." + kind, { title: text.slice(0, 400) }, text.slice(0, 200));

function anatomy({ parts, bytes }, transport) {
	$("#anatomy").replaceChildren(
		el("dl", {}, ...parts.flatMap((p) => [el("dt", {}, part(p)), el("dd", {}, t(p.means))])),
		el("pre", { tabIndex: 0, ariaLabel: "bytes" }, dump(bytes)),
		el("p.hint", {}, `${bytes.length} bytes · ${transport}`));
}

// Copy, share

function form() {
	return {
		namespace: namespaceOf($("#namespace").value).namespace ?? "/", transports: $("#transports").value, auth: $("#auth").value, query: $("#query").value, event: $("#event").value,
		ack: $("#ack").checked, timeout: $("#timeout").value, volatile: $("#volatile").checked,
		args: $$("#args li").map((item) => [$("select", item).value, $("textarea", item).value]),
	};
}

async function copied(text, said = t("copied")) {
	await copyText(text);
	$("#copied").textContent = said;
	setTimeout(() => { $("#copied").textContent = ""; }, 2500);
}
$("#as-js").addEventListener("click", () => copied(asJavaScript(form(), location.origin)));
$("#as-go").addEventListener("click", () => copied(asGo(form())));
$("#as-link").addEventListener("click", () => copied(`${location.href.split("#")[0]}#${encodeURIComponent(JSON.stringify(form()))}`, t("linked")));

function restore(shared) {
	for (const id of ["namespace", "transports", "auth", "query", "event", "timeout"]) if (typeof shared[id] === "string") $("#" + id).value = shared[id];
	for (const id of ["ack", "volatile"]) $("#" + id).checked = Boolean(shared[id]);
	for (const [kind, value] of shared.args ?? []) addArgument(kind, value);
}
try {
	restore(JSON.parse(decodeURIComponent(location.hash.slice(1))));
} catch {
	addArgument(); // no link, or not one of ours
}
