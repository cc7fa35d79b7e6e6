// @ts-check
import { $, $$, el, page } from "/assets/page.js";
import { io, watch } from "/assets/live.js";
import { tap } from "/assets/wire.js";
import { observe } from "./observe.js";
import words from "./words.js";

const t = page("polling", words);
const modes = { upgrade: ["polling", "websocket"], polling: ["polling"], websocket: ["websocket"] };
const spans = [];
let start = performance.now(), requests = 0, bytes = 0, events = 0;

/** @import { Socket } from "socket.io-client" */
/** @import { Polling } from "../../namespaces/api/events" */
/** @type {Socket<Polling.ServerToClientEvents, Polling.ClientToServerEvents>} */
let socket;

// Every request and WebSocket that this page makes to Socket.IO, while it lasts.
observe((it) => {
	if (it.kind !== "ws") requests++;
	const label = el("i"), bar = el("span.span.open." + it.kind, {}, label);
	const row = el("div", { role: "listitem" }, el("span", {}, { get: "GET", post: "POST", ws: "WebSocket" }[it.kind]), el("span.lane", {}, bar));
	$("#river").append(row);
	const span = { from: performance.now(), to: /** @type {number | null} */ (null), bar };
	spans.push(span);
	follow();
	it.done = ({ size, text, ok }) => {
		const to = span.to = performance.now();
		bar.classList.remove("open");
		bar.classList.toggle("failed", !ok);
		bytes += size;
		label.textContent = `${Math.round(to - span.from)} ms · ${text}`;
		figures();
	};
	it.note = (text) => { label.textContent = text; };
	figures();
});

function dial(mode) {
	for (const button of $$("[data-mode]")) button.ariaPressed = String(button.dataset.mode === mode);
	socket?.disconnect();
	$("#river").replaceChildren();
	spans.length = requests = bytes = events = 0;
	start = performance.now();
	socket = io("/polling", { transports: modes[mode], forceNew: true, autoConnect: false, reconnectionDelayMax: 3000 });
	tap(socket.io, { upgrading: () => mark(t("upgrading")), upgraded: () => mark(t("upgraded")) });
	watch(socket, t, $("#state"));
	socket.connect();
	socket.onAny(() => {
		events++;
		figures();
	});
	figures();
}
for (const button of $$("[data-mode]")) button.addEventListener("click", () => dial(button.dataset.mode));
$("#shout").addEventListener("click", () => socket.emit("shout", "hello " + new Date().toLocaleTimeString("en-GB")));

function mark(text) {
	$("#river").append(el("div", { role: "listitem" }, el("span.mark", {}, text)));
	follow();
}

function follow() {
	const river = $("#river");
	while (river.children.length > 60) river.firstElementChild.remove();
	while (spans.length > 60) spans.shift();
	river.scrollTop = river.scrollHeight;
}

function figures() {
	const number = new Intl.NumberFormat();
	for (const [id, n] of Object.entries({ requests, bytes, events })) $("#" + id).textContent = number.format(n);
}

// The last twenty seconds across the width.
function place() {
	const now = performance.now(), from = Math.max(start, now - 20000), all = Math.max(4000, now - from);
	for (const { from: a, to: b, bar } of spans) {
		const left = Math.max(0, (a - from) / all), right = Math.min(1, ((b ?? now) - from) / all);
		bar.style.left = `${left * 100}%`;
		bar.style.width = `${Math.max(0, right - left) * 100}%`;
		bar.classList.toggle("in", right - left > .4);
		bar.classList.toggle("flip", right > .6 && right - left <= .4);
	}
}
setInterval(place, 100);
dial("upgrade");
