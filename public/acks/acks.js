// @ts-check
import { $, el, page } from "/assets/page.js";
import { connect, io } from "/assets/live.js";
import { chaos } from "/assets/chaos.js";
import words from "./words.js";

const t = page("acks", words);
const tries = 4;
let serial = 0;

/** @import { Socket } from "socket.io-client" */
/** @import { Acks } from "../../namespaces/api/events" */
/** @type {Socket<Acks.ServerToClientEvents, Acks.ClientToServerEvents>} */
const socket = connect("/acks", { t });
chaos(socket, {});

// The same connection once more, with the client's own retries: at least once.
const careful = io("/acks-careful", { retries: tries - 1, ackTimeout: 1000 });

for (const s of [socket, careful]) {
	s.on("worked", ({ id, times }) => {
		const n = id.split(".")[1];
		show(times === 1 ? "there.good" : "there.bad", t(times === 1 ? "worked" : "double", { n, times }));
	});
}
const mood = () => $("[name=mood]:checked").value; // how the server shall behave, told with each order

const newID = (n) => `${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}.${n}`;

// At most once: no ack, and nothing is kept for later.
$("#once").addEventListener("click", () => {
	const n = ++serial;
	show(socket.connected ? "up" : "up.gone", t("sent", { n }));
	if (socket.connected) socket.volatile.emit("order", newID(n), mood()); // not connected, the client would keep it for later
	show("here", t("forgot", { n }));
});

// With a timeout: one try, and one second to hear of it.
$("#timed").addEventListener("click", () => {
	const n = ++serial;
	show(socket.connected ? "up" : "here.bad", t(socket.connected ? "sent" : "buffered", { n }));
	socket.timeout(1000).emit("order", newID(n), mood(), (err) => {
		if (!err) show("down", t("ack", { n }));
		show(err ? "here.bad" : "here.good", t(err ? "timeout" : "known", { n }));
	});
});

// At least once: the client sends it again, with the same id, until there is an answer.
$("#least").addEventListener("click", () => {
	const n = ++serial;
	if (!careful.connected) show("here.bad", t("buffered", { n }));
	careful.emit("order", newID(n), mood(), (err) => {
		if (!err) show("down", t("ack", { n }));
		show(err ? "here.bad" : "here.good", t(err ? "gaveUp" : "known", { n, tries }));
	});
});
const sent = new Map();
careful.onAnyOutgoing((event, id) => {
	if (event !== "order") return;
	const times = (sent.get(id) ?? 0) + 1;
	sent.set(id, times);
	show("up", t(times === 1 ? "sent" : "again", { n: id.split(".")[1] }));
});

function show(kind, text) {
	const list = $("#arrows");
	list.append(el("li." + kind, {}, el("span", {}, text)));
	while (list.children.length > 150) list.firstElementChild.remove();
	list.scrollTop = list.scrollHeight;
}
