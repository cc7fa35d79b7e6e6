// @ts-check
import { $, el, page, plainly } from "/assets/page.js";
import { connect } from "/assets/live.js";
import { brief } from "/assets/log.js";
import { wsURL } from "/assets/socket.js";
import words from "./words.js";

const t = page("lifecycle", words);
const rows = new Map();

// One row: the browser's name, Go's name, a button, what happened last. Where an event has several causes, each has a row.
function row(table, id, name, go, key, cause) {
	const last = el("td", {}, "–"), times = el("td.count", {}, "0");
	const button = cause ? el("button.slim", { type: "button", onclick: cause }, t(key)) : el("span.hint", {}, t(key));
	const tr = el("tr", { dataset: { row: id } }, el("td", {}, el("code", {}, name)), el("td", {}, el("code", {}, go)), el("td", {}, button), last, times);
	rows.set(table + id, { tr, last, times });
	$("#" + table).append(tr);
}

function lit(table, id, text, bad = false) {
	const { tr, last, times } = rows.get(table + id);
	last.textContent = `${new Date().toLocaleTimeString("en-GB")}  ${text}`;
	times.textContent = Number(times.textContent) + 1;
	tr.classList.toggle("bad", bad);
	tr.classList.add("lit");
	requestAnimationFrame(() => setTimeout(() => tr.classList.remove("lit"), 900));
}

// Socket.IO

const auth = { refuse: false };
/** @import { Socket } from "socket.io-client" */
/** @import { Lifecycle } from "../../namespaces/api/events" */
/** @type {Socket<Lifecycle.ServerToClientEvents, Lifecycle.ClientToServerEvents>} */
const socket = connect("/lifecycle", { t, auth: (give) => give(auth) });
const manager = socket.io;

function dial(refuse) {
	auth.refuse = refuse;
	socket.disconnect().connect();
}

row("io", "connect", "connect", "ns.OnConnect", "connect", () => dial(false));
row("io", "connect_error", "connect_error", "ns.Use(… error)", "refuse", () => dial(true));
row("io", "hello", "emit(\"hello\")", "ns.On(\"hello\")", "say", () => socket.emit("hello", "from the page", (answer) => lit("io", "hello", brief(answer))));
row("io", "question", "on(\"question\")", "s.EmitWithAck", "ask", () => socket.emit("ask me"));
row("io", "kicked", "disconnect", "s.Disconnect", "kick", () => socket.emit("kick"));
row("io", "left", "disconnect", "ns.OnDisconnect", "leave", () => socket.disconnect());
row("io", "dropped", "disconnect", "transport close", "drop", () => socket.emit("restart"));
row("io", "reconnect_attempt", "reconnect_attempt", "–", "wait");
row("io", "reconnect", "reconnect", "a new *Socket", "wait");
row("io", "ping", "ping", "PingInterval", "beat");

socket.on("connect", () => lit("io", "connect", socket.id + (socket.recovered ? " (recovered)" : "")));
socket.on("connect_error", (err) => lit("io", "connect_error", `${err.message}${err.data ? " " + brief(err.data) : ""} · ${plainly(err)}`, true));
socket.on("disconnect", (reason) => lit("io", { "io server disconnect": "kicked", "io client disconnect": "left" }[reason] ?? "dropped", `${reason} · ${plainly(reason)}`, true));
socket.on("question", (question, answer) => {
	lit("io", "question", question);
	answer("yes, from the page");
});
manager.on("reconnect_attempt", (n) => lit("io", "reconnect_attempt", `#${n}`));
manager.on("reconnect", (n) => lit("io", "reconnect", `#${n}`));
manager.on("ping", () => lit("io", "ping", "2 → 3"));

// WebSocket

let ws;
function open(path) {
	ws?.close(1000, "again");
	const mine = ws = new WebSocket(wsURL(path));
	mine.binaryType = "arraybuffer";
	mine.onopen = () => lit("ws", "open", mine.url.replace(/^.*\/\/[^/]*/, ""));
	mine.onmessage = ({ data }) => lit("ws", "message", brief(data));
	mine.onerror = () => lit("ws", "error", t("unsaid"), true);
	mine.onclose = ({ code, reason, wasClean }) => lit("ws", "close", `${code} ${reason} ${wasClean ? "" : "(unclean)"}`, code !== 1000);
}
const say = (value) => (ws?.readyState === WebSocket.OPEN ? ws.send(value) : lit("ws", "message", plainly("offline"), true));

row("ws", "open", "open", "OnOpen", "connect", () => open("/ws/echo"));
row("ws", "message", "message", "OnMessage", "say", () => say("hello"));
row("ws", "close", "close", "OnClose(code, reason)", "close", () => ws?.close(1000, "bye"));
row("ws", "error", "error", "–", "dead", () => open("/ws/nowhere"));
open("/ws/echo");
