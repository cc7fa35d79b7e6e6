import { $, el, page } from "/assets/page.js";
import { ask, connect } from "/assets/live.js";
import { gate } from "/assets/gate.js";
import { colourOf, myName, keepName } from "/assets/me.js";
import words from "./words.js";

const t = page("chat", words);
const lines = $("#lines");
let people = [];
let known = new Set(); // the lines that entering brought

$("#name").value = myName();
$("#room").value = decodeURIComponent(location.hash.slice(1)) || "lobby";

const socket = connect("/chat", { t });
const entering = gate();

// A new connection is a new socket to the server: it takes its seat again.
socket.on("connect", () => socket.recovered || enter());
$("#seat").addEventListener("submit", (event) => {
	event.preventDefault();
	enter();
});

async function enter() {
	entering.shut();
	try {
		const { room, name, people: now, history } = await ask(socket, "join", { room: $("#room").value, name: $("#name").value });
		keepName(name);
		remember(room);
		known = new Set(history.map((line) => JSON.stringify(line)));
		lines.replaceChildren(...history.map(row));
		news("entered", { room });
		show(now);
		problem("");
	} catch (err) {
		problem(err.message);
	}
	entering.open();
}

function remember(room) {
	history.replaceState(null, "", "#" + encodeURIComponent(room));
}

socket.on("line", entering.behind((line) => known.has(JSON.stringify(line)) || append(row(line))));

$("#composer").addEventListener("submit", async (event) => {
	event.preventDefault();
	const text = $("#text").value.trim();
	if (!text) return;
	const pending = append(row({ from: socket.id, name: myName(), text, at: Date.now() }));
	pending.classList.add("pending");
	try {
		await ask(socket, "say", text);
		pending.classList.remove("pending");
		$("#text").value = "";
		problem("");
	} catch (err) {
		pending.remove();
		problem(err.message);
	}
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
		const item = el("li", {}, p.name + (p.id === socket.id ? ` (${t("you")})` : ""));
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
	$("#typing").textContent = names.length ? t("typing", { names: names.slice(0, 3).join(", ") }) : "";
}

function row({ from, name, text, at }) {
	const time = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
	return el(from === socket.id ? "li.mine" : "li", {}, el("span.by", {}, name + " ", el("time", {}, time)), el("span.text", {}, text));
}

function append(item) {
	lines.append(item);
	while (lines.children.length > 200) lines.firstElementChild.remove();
	lines.scrollTop = lines.scrollHeight;
	return item;
}

const news = (key, values) => append(el("li.news", {}, t(key, values)));
const problem = (text) => { $("#problem").textContent = text; };
