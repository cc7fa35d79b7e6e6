// @ts-check
import { $, apart, el, page, plainly } from "/assets/page.js";
import { connect } from "/assets/live.js";
import { Log, brief } from "/assets/log.js";
import { endless } from "/assets/socket.js";
import words from "./words.js";

const t = page("echo", words);
const logs = { io: new Log($("#io")), echo: new Log($("#echo")), append: new Log($("#append")) };
const said = (id) => ({
	open: () => logs[id].add("info", t("opened")),
	close: ({ code }) => logs[id].add("info", t("ended", { code })),
});

/** @import { Socket } from "socket.io-client" */
/** @import { Echo } from "../../namespaces/api/events" */
/** @type {Socket<Echo.ServerToClientEvents, Echo.ClientToServerEvents>} */
const socket = connect("/echo", { t });

const echo = endless("/ws/echo", { ...said("echo"), message: ({ data }) => logs.echo.add("down", brief(data)) });

// The answer is {"append": true, "returnText": "…"}: this page does as it is told, with text.
const append = endless("/ws/append", { ...said("append"), message({ data }) {
	logs.append.add("down", brief(data));
	const answer = JSON.parse(data);
	if (answer.append) $("#grown").append(el("p", { dir: "auto" }, answer.returnText));
	while ($("#grown").children.length > 50) $("#grown").firstElementChild.remove();
} });

async function send(value) {
	const start = performance.now();
	logs.io.add("up", brief(value));
	logs.echo.add("up", brief(value));
	echo.send(value);
	if (typeof value === "string") { // the page would not know how to add bytes to itself
		logs.append.add("up", brief(value));
		append.send(value);
	}
	socket.timeout(5000).emit("echo", value, (err, answer) =>
		logs.io.add(...(err ? ["warn", plainly(err)] : ["down", apart(brief(answer)), `  · ${t("took", { ms: (performance.now() - start).toFixed(1) })}`])));
}

$("#form").addEventListener("submit", (event) => {
	event.preventDefault();
	send($("#text").value);
});
$("#bytes").addEventListener("click", () => send(crypto.getRandomValues(new Uint8Array(16)).buffer));
