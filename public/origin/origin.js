// @ts-check
import { $, apart, el, page } from "/assets/page.js";
import { ask, connect } from "/assets/live.js";
import { wsURL } from "/assets/socket.js";
import words from "./words.js";

const t = page("origin", words);
/** @import { Socket } from "socket.io-client" */
/** @import { Origin } from "../../namespaces/api/events" */
/** @type {Socket<Origin.ServerToClientEvents, Origin.ClientToServerEvents>} */
const socket = connect("/origin", { t });

// For real: this page, and a page in a sandbox, which has no origin at all.
$("#own-origin").textContent = "Origin: " + location.origin;
function own() {
	const ws = new WebSocket(wsURL("/socket.io/?EIO=4&transport=websocket"));
	ws.onopen = () => { verdict("own", true); ws.close(); };
	ws.onerror = () => verdict("own", false);
}
function stranger() { $("#frame").src = "stranger.html?" + Math.random(); }
addEventListener("message", ({ source, data }) => {
	if (source === $("#frame").contentWindow) verdict("stranger", data === "open");
});
function verdict(id, good) {
	$("#" + id).dataset.good = good ? "yes" : "no";
	$("#" + id).textContent = t(good ? "in" : "out", { status: 403 });
}
$("#again").addEventListener("click", () => {
	own();
	stranger(); // not before it is asked for: browsers write refused connections to their console
});
own();

// Any origin: the server makes the handshake.
async function probe(origin, transport) {
	let answer;
	try {
		answer = await ask(socket, "probe", { origin, transport });
	} catch (err) {
		$("#problem").textContent = err.message;
		return;
	}
	const { allowed, status } = answer;
	$("#problem").textContent = "";
	const outcome = el("td", {}, t(allowed ? "in" : "out", { status }));
	outcome.dataset.good = allowed ? "yes" : "no";
	$("#rows").prepend(el("tr", {}, el("td", {}, origin ? apart(origin) : t("none")), outcome, el("td", {}, transport), el("td", {}, why(origin, allowed))));
	while ($("#rows").children.length > 20) $("#rows").lastElementChild.remove();
}

function why(origin, allowed) {
	if (!origin) return t("programs");
	if (origin === "null") return t("opaque");
	if (!URL.canParse(origin)) return t("odd");
	const { host, hostname } = new URL(origin);
	if (host === location.host && allowed) return t("same");
	if (allowed) return t("listed");
	if (new URL(origin).origin !== origin) return t("odd");
	return t(hostname === location.hostname ? "port" : "host");
}

$("#form").addEventListener("submit", (event) => {
	event.preventDefault();
	probe($("#origin").value.trim(), $("#transport").value);
});
socket.once("connect", async () => {
	const { protocol, hostname, port } = location;
	for (const origin of ["https://evil.example", `${protocol}//${hostname}.evil.example${port && ":" + port}`, `${protocol}//${hostname}:${Number(port || 80) + 1}`, "null", "", location.origin]) {
		await probe(origin, "websocket");
	}
});
