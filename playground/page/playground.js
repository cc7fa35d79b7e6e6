import { $, copyText, el } from "./assets/dom.js";
import { plainly } from "./assets/words.js";
import { Args } from "./args.js";
import { around } from "./around.js";
import { cause } from "./cause.js";
import { client } from "./clients.js";
import { fill, sane, target } from "./connect.js";
import { open } from "./connection.js";
import { frame } from "./frames.js";
import { Slots } from "./slots.js";
import { Timeline } from "./timeline.js";
import { read, write } from "./values.js";

const server = await fetch("server.json").then((res) => res.json(), () => ({ path: "/socket.io/", namespaces: [] }));
const t = await around(server.frame);

const timeline = new Timeline(() => slots.now.n);
const slots = new Slots(t, {
	label: ({ target: it }) => (it ? (it.url === location.origin ? "" : new URL(it.url).host) + it.namespace + " · " + it.version : t("fresh")),
	chosen(slot) {
		if (slot.target) fill(slot.target);
		ready(slot);
		timeline.filter();
	},
});
const args = new Args(t);
const note = (slot, ...what) => timeline.add(slot.n, ...what);

// Connection

const known = (it) => (it.url === location.origin && it.path === server.path ? server.namespaces.map(({ name }) => name) : []);

function ready(slot) {
	$("#send").disabled = $("#disconnect").disabled = !slot.connection;
	tellCause(slot.cause);
}

$("#connection").addEventListener("submit", async (event) => {
	event.preventDefault();
	const it = target(t), slot = slots.now;
	if (!it) return;
	slot.connection?.close();
	Object.assign(slot, { target: it, connection: undefined, cause: undefined });
	const serial = ++slot.serial, current = (f) => (...what) => slot.serial === serial && f(...what);
	slots.say(slot, "wait", t("connecting"));
	let io;
	try {
		io = await client(it.version, server.path);
	} catch (err) {
		if (slot.serial !== serial) return;
		slots.say(slot, "off", t("noClient", { version: it.version }));
		slot.cause = { cause: "noClient", values: { version: it.version }, fix: err.message };
		return ready(slots.now);
	}
	if (slot.serial !== serial) return;
	let looking = false;
	slot.connection = open(io, it, {
		packet: current((...what) => frame(t, slot.n, ...what)),
		upgrade: current((kind, name) => note(slot, "info", kind, name)),
		event: current((name, values, ack) => {
			note(slot, "down", name, ...values);
			if (!ack) return;
			ack("yes"); // somebody at the server waits for it
			note(slot, "up", `${name} → ${t("answered")}`, "yes");
		}),
		up: current(({ id, recovered, transport }) => {
			if (slot.state !== "on") note(slot, "info", "connect", { id, recovered });
			slots.say(slot, "on", t("connected", { transport }));
			slot.cause = undefined;
			if (slot === slots.now) tellCause();
		}),
		down: current((reason, back) => {
			note(slot, "info", "disconnect", reason, plainly(reason));
			slots.say(slot, back ? "wait" : "off", t(back ? "lost" : "stopped", { why: plainly(reason) }));
		}),
		failed: current(async (err, back) => {
			note(slot, "info", "connect_error", err, plainly(err));
			slots.say(slot, back ? "wait" : "off", back ? t("lost") : t("refused", { why: plainly(err) }));
			if (looking) return;
			looking = true;
			const found = await cause(it, err, known(it));
			if (slot.serial !== serial || slot.state === "on") return;
			slot.cause = found;
			note(slot, "warn", "connect_error", t("c." + found.cause, found.values));
			if (slot === slots.now) tellCause(found);
		}),
	});
	ready(slots.now);
});

$("#disconnect").addEventListener("click", () => {
	const slot = slots.now;
	slot.connection.close();
	if (slot.state !== "off") slots.say(slot, "off", t("stopped", { why: plainly("io client disconnect") }));
});

function tellCause(found) {
	$("#cause").hidden = !found;
	if (found) $("#cause").replaceChildren(el("p", {}, ...t.nodes("c." + found.cause, found.values)), found.fix ? el("pre", { tabIndex: 0 }, found.fix) : "");
}

// Emit

$("#emit").addEventListener("submit", async (event) => {
	event.preventDefault();
	const slot = slots.now, name = $("#event").value, values = await args.values();
	if (!values || !slot.connection) return;
	note(slot, "up", name, ...values);
	if (!slot.connection.connected) note(slot, "info", t("dropped"));
	const start = performance.now(), timeout = $("#ack").checked ? Number($("#timeout").value) || 5000 : 0;
	try {
		slot.connection.emit(name, values, { timeout, volatile: $("#volatile").checked }, (failed, answer) => (failed
			? note(slot, "info", name, t("noAck", { ms: timeout }))
			: note(slot, "down", `${name} ← ${t("acked", { ms: Math.round(performance.now() - start) })}`, ...answer)));
	} catch (err) {
		note(slot, "info", name, err.message); // a reserved name, for one
	}
});
$("#emit").addEventListener("keydown", (event) => {
	if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("#emit").requestSubmit();
});

// Requests: what the forms say, as a value

async function request() {
	const it = target(t), values = it && await args.values();
	return values && { ...it, event: $("#event").value, args: values, ack: $("#ack").checked, timeout: Number($("#timeout").value) || 5000, volatile: $("#volatile").checked };
}

function restore(it) {
	fill(sane(it));
	$("#event").value = typeof it.event === "string" ? it.event : "";
	args.set(Array.isArray(it.args) ? it.args.slice(0, 50) : []);
	$("#ack").checked = Boolean(it.ack);
	$("#volatile").checked = Boolean(it.volatile);
	if (Number.isInteger(it.timeout)) $("#timeout").value = it.timeout;
}

async function copied(text, said = t("copied")) {
	await copyText(text);
	$("#copied").textContent = said;
	setTimeout(() => { $("#copied").textContent = ""; }, 2500);
}
$("#as-link").addEventListener("click", async () => {
	const it = await request();
	if (it) copied(`${location.href.split("#")[0]}#${encodeURIComponent(write(it))}`, t("linked"));
});

// Begin

$("#known").append(...server.namespaces.map(({ name }) => el("option", { value: name })));
const plain = { url: location.origin, path: server.path, namespace: server.namespaces.some(({ name }) => name === "/playground") ? "/playground" : "/" };
fill(sane(plain));
args.set([{ hello: "river" }]);
try {
	if (location.hash.length > 1) restore(read(decodeURIComponent(location.hash.slice(1))));
} catch { /* no link, or not one of ours */ }
slots.add();
$("#connect").disabled = false; // from here on everything answers
