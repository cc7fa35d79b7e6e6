import { $, $$, el, page, plainly, rich } from "/assets/page.js";
import { Log } from "/assets/log.js";
import { wsURL } from "/assets/socket.js";
import words from "./words.js";

const t = page("subprotocol", words);
const log = new Log($("#log"));
let ws;

$("#form").addEventListener("submit", (event) => {
	event.preventDefault();
	ws?.close();
	const offers = $$("#form input:checked").map((box) => box.value);
	$("#shake").replaceChildren(line("up", "GET /ws/kaazing"), line("up", "Upgrade: websocket"), line("up", offers.length ? "Sec-WebSocket-Protocol: " + offers.join(", ") : "(no Sec-WebSocket-Protocol)"));
	verdict("", "");

	const mine = ws = offers.length ? new WebSocket(wsURL("/ws/kaazing"), offers) : new WebSocket(wsURL("/ws/kaazing"));
	let opened = false;
	ws.onopen = () => {
		opened = true;
		$("#shake").append(line("down", "101 Switching Protocols"), line("down", mine.protocol ? "Sec-WebSocket-Protocol: " + mine.protocol : "(no Sec-WebSocket-Protocol)"));
		if (mine.protocol) verdict("yes", t("agreed", { protocol: mine.protocol }));
		$("#send").disabled = $("#close").disabled = !mine.protocol;
	};
	ws.onmessage = ({ data }) => log.add("down", data);
	ws.onclose = ({ code, reason }) => {
		if (mine !== ws) return;
		$("#send").disabled = $("#close").disabled = true;
		$("#shake").append(line("down", `close ${code} ${reason}`));
		if (opened && !mine.protocol) verdict("no", t("none", { code, reason }));
		else if (!opened && offers.length && !offers.includes("com.kaazing.echo")) verdict("no", t("foreign"));
		else verdict(code === 1000 ? "" : "no", t("away", { code, reason: reason || (code === 1006 ? plainly("transport close") : "") }));
	};
});

$("#send").addEventListener("click", () => {
	log.add("up", $("#text").value);
	ws.send($("#text").value);
});
$("#close").addEventListener("click", () => ws.close(1000, "thank you"));

const line = (way, text) => el("p." + way, { dataset: { way: way === "up" ? "↑" : "↓" } }, text);

function verdict(good, text) {
	$("#verdict").dataset.good = good;
	$("#verdict").replaceChildren(...rich(text));
}
