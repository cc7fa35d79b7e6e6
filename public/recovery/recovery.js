// @ts-check
import { $, el, page } from "/assets/page.js";
import { io, watch } from "/assets/live.js";
import { cut, mend } from "/assets/chaos.js";
import words from "./words.js";

const t = page("recovery", words);

/** @import { Socket } from "socket.io-client" */
/** @import { Recovery } from "../../namespaces/api/events" */
/** @type {() => Socket<Recovery.ServerToClientEvents, Recovery.ClientToServerEvents>} */
const open = () => io("/recovery", { forceNew: true, reconnectionDelay: 300, reconnectionDelayMax: 1000 });

// One client keeps its socket, and so the private id and offset that recovery needs. The other throws its socket away whenever the
// connection ends, and starts with a new one.
let sockets = { with: open(), without: open() };
watch(sockets.with, t, $("#state"));
follow("with");
follow("without");

/** @param {"with" | "without"} id */
function follow(id) {
	const socket = sockets[id], list = $("#" + id);
	let last = Number(list.dataset.last || 0), away = false, replayed = 0;
	socket.on("connect", () => {
		tag(id, replayed ? "up" : "down", replayed ? t("recovered", { n: replayed }) : t("on"));
		away = false;
	});
	socket.on("tick", (n) => {
		const missed = last ? n - last - 1 : 0;
		for (let i = Math.max(last + 1, n - 60); last && i < n; i++) bead(list, i, "lost");
		bead(list, n, away ? "back" : ""); // what was missed comes before the connection counts as made
		if (away) replayed++;
		else if (missed) tag(id, "warn", t("fresh", { n: missed }));
		list.dataset.last = last = n;
	});
	socket.on("disconnect", () => {
		away = true;
		replayed = 0;
		tag(id, "warn", t("off"));
		if (id === "with" || isCut) return;
		renew();
	});
}

function renew() {
	sockets.without.disconnect();
	sockets.without = open();
	follow("without");
}

function bead(list, n, kind) {
	list.append(el(kind ? "li." + kind : "li", {}, String(n)));
	while (list.children.length > 120) list.firstElementChild.remove();
	list.scrollTop = list.scrollHeight;
}

function tag(id, kind, text) {
	$(`#${id}-says`).className = "tag " + kind;
	$(`#${id}-says`).textContent = text;
}

let isCut = false, clock;
$("#cut").addEventListener("click", () => {
	isCut = !isCut;
	$("#cut").ariaPressed = String(isCut);
	$("#cut").textContent = t(isCut ? "mend" : "cut");
	$("#restart").disabled = isCut;
	if (isCut) {
		cut(sockets.with);
		cut(sockets.without);
		const start = Date.now();
		clock = setInterval(() => { $("#away").textContent = t("away", { s: Math.round((Date.now() - start) / 1000) }); }, 250);
	} else {
		clearInterval(clock);
		$("#away").textContent = "";
		mend(sockets.with);
		renew();
	}
});
$("#restart").addEventListener("click", () => {
	for (const socket of Object.values(sockets)) socket.emit("restart");
});
