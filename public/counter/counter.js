// @ts-check
import { $, page, plainly } from "/assets/page.js";
import { connect } from "/assets/live.js";
import words from "./words.js";

const t = page("counter", words);

// Over Socket.IO: an event for each number.
/** @import { Socket } from "socket.io-client" */
/** @import { Counter } from "../../namespaces/api/events" */
/** @type {Socket<Counter.ServerToClientEvents, Counter.ClientToServerEvents>} */
const socket = connect("/counter", { t });
socket.on("count", (n) => {
	show("io", n);
	if (n === 10) socket.disconnect();
});
socket.on("disconnect", (reason) => done("io", reason === "io client disconnect" ? t("closed", { why: reason }) : t("lost", { why: plainly(reason) })));
$("#io-start").addEventListener("click", () => {
	begin("io");
	socket.connect().emit("start");
});

// Over a plain WebSocket: a message for each number.
$("#ws-start").addEventListener("click", () => {
	begin("ws");
	const ws = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/ws/counter`);
	ws.onmessage = ({ data }) => {
		show("ws", Number(data));
		if (Number(data) === 10) ws.close(1000, "ten is enough");
	};
	ws.onclose = ({ code, reason }) => done("ws", t(code === 1000 ? "closed" : "lost", { why: code === 1006 ? plainly("transport close") : `${code} ${reason}` }));
});

function begin(id) {
	$(`#${id}-start`).disabled = true;
	$(`#${id}-says`).textContent = t("counting");
	delete $(`#${id}-number`).parentElement.dataset.done;
}

function show(id, n) {
	$(`#${id}-number`).textContent = n;
	$(`#${id}-progress`).value = n;
}

function done(id, text) {
	$(`#${id}-start`).disabled = false;
	$(`#${id}-says`).textContent = text;
	$(`#${id}-number`).parentElement.dataset.done = "";
}
