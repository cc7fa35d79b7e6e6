// @ts-check
import { $, apart, el, page } from "/assets/page.js";
import { Outbox, ask, connect, entering } from "/assets/live.js";
import { gate } from "/assets/gate.js";
import { colourOf, keepName, myName, roomHere } from "/assets/me.js";
import words from "./words.js";

const t = page("chat", words);
const lines = $("#lines");
let people = [];
let known = new Set();   // the lines that entering brought
const mine = new Set();  // who this page was and is

$("#name").value = myName();
$("#room").value = roomHere();

/** @import { Socket } from "socket.io-client" */
/** @import { Chat } from "../../namespaces/api/events" */
/** @type {Socket<Chat.ServerToClientEvents, Chat.ClientToServerEvents>} */
const socket = connect("/chat", { t });
const door = gate();

// A new connection is a new socket to the server: it takes its seat again, unless the server has kept it.
entering(socket, () => {
	mine.add(socket.id);
	return socket.recovered && !outbox.items.some((item) => item.from) ? outbox.start() : enter();
}, problem);
$("#seat").addEventListener("submit", (event) => {
	event.preventDefault();
	enter().then(() => problem(""), (err) => problem(err.message));
});

async function enter() {
	door.shut();
	try {
		const { room, name, people: now, history } = await ask(socket, "join", { room: $("#room").value, name: $("#name").value });
		keepName(name);
		remember(room);
		known = new Set(history.map((line) => JSON.stringify(line)));
		for (const item of outbox.items) if (history.some((line) => line.from === item.from && line.text === item.text)) outbox.remove(item); // it was heard, only the answer was lost
		lines.replaceChildren(...history.map(row));
		news("entered", { room });
		for (const item of outbox.items) append(item.row);
		show(now);
		outbox.start();
	} finally {
		door.open();
	}
}

function remember(room) {
	history.replaceState(null, "", "#" + encodeURIComponent(room));
}

socket.on("line", door.behind((line) => known.has(JSON.stringify(line)) || append(row(line))));

// What is said while the network is down stays on the page, marked, and is said when it is back.
const outbox = new Outbox(socket, {
	async send(item) {
		item.from = socket.id;
		await ask(socket, "say", item.text);
		item.row.classList.remove("pending", "unsent");
		problem("");
	},
	refused(item, err) {
		item.row.remove();
		$("#text").value ||= item.text;
		problem(err.message);
	},
	changed(items, err) {
		for (const item of items) item.row.classList.toggle("unsent", !socket.connected || err !== undefined);
		problem(items.length && (err || !socket.connected) ? t("unsent", { n: items.length }) : "");
	},
});
socket.on("disconnect", () => outbox.changed(outbox.items));

$("#composer").addEventListener("submit", (event) => {
	event.preventDefault();
	const text = $("#text").value.trim();
	if (!text) return;
	const item = { text, row: append(row({ from: [...mine].at(-1), name: myName(), text, at: Date.now() })) };
	item.row.classList.add("pending");
	$("#text").value = "";
	outbox.add(item);
	tell(false);
});

socket.on("people", (now) => {
	for (const p of now) if (!people.some((q) => q.id === p.id)) news("came", p);
	for (const q of people) if (!now.some((p) => p.id === q.id)) news("went", q);
	show(now);
});

function show(now) {
	people = now;
	typing.clear();
	typers();
	$("#count").textContent = now.length;
	$("#people").replaceChildren(...now.map((p) => {
		const item = el("li", {}, el("span", {}, apart(p.name), p.id === socket.id && el("span", {}, ` (${t("you")})`)));
		item.style.setProperty("--who", colourOf(p.id, now));
		return item;
	}));
}

// Typing: told once when it starts and once when it ends; forgotten after a while if the end was lost.
const typing = new Map();
let told = false, quiet;

function tell(now) {
	clearTimeout(quiet);
	if (now) quiet = setTimeout(() => tell(false), 2000);
	if (now !== told) socket.volatile.emit("typing", now);
	told = now;
}
$("#text").addEventListener("input", () => tell($("#text").value !== ""));

socket.on("typing", ({ id, name, on }) => {
	clearTimeout(typing.get(id)?.timer);
	if (on) typing.set(id, { name, timer: setTimeout(() => { typing.delete(id); typers(); }, 5000) });
	else typing.delete(id);
	typers();
});

function typers() {
	const names = [...typing.values()].map((who) => who.name);
	const said = names.slice(0, 3).flatMap((name, i) => [i ? ", " : "", apart(name)]);
	$("#typing").replaceChildren(...(names.length ? t.nodes("typing", { names: said }) : []));
}

function row({ from, name, text, at }) {
	const time = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
	return el(mine.has(from) ? "li.mine" : "li", {}, el("span.by", {}, apart(name), " ", el("time", {}, time)), el("span.text", { dir: "auto" }, text));
}

function append(item) {
	lines.append(item);
	while (lines.children.length > 200) lines.firstElementChild.remove();
	lines.scrollTop = lines.scrollHeight;
	return item;
}

const news = (key, values) => append(el("li.news", {}, ...t.nodes(key, values)));
function problem(text) { $("#problem").textContent = text; }
