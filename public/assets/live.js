// Connects to a namespace and keeps the page's state line truthful: connecting, connected (and over what), lost, refused.
//
//	const socket = connect("/chat", { t });
//
// A server that goes away is waited for; the client comes back by itself. What a namespace answers to a flood or an over-long
// text arrives as the event "slow down" and is shown in the same line for a moment.

import { io } from "/socket.io/socket.io.esm.min.js";
import { $ } from "./dom.js";
import { chinese, explain } from "./words.js";

export { io };

export function connect(namespace, { t, state = $("#state"), ...options }) {
	const socket = io(namespace, { reconnectionDelay: 400, reconnectionDelayMax: 3000, ...options });
	watch(socket, t, state);
	return socket;
}

export function watch(socket, t, state) {
	const say = (kind, text) => {
		state.dataset.state = kind;
		state.textContent = text;
	};
	const on = () => say("on", t("connected", { transport: socket.io.engine.transport.name }));
	say("wait", t("connecting"));
	socket.on("connect", () => {
		on();
		socket.io.engine.once("upgrade", on);
	});
	socket.on("disconnect", (reason) => say(socket.active ? "wait" : "off", t(socket.active ? "lost" : "stopped") + (socket.active ? "" : ` (${reason})`)));
	socket.on("connect_error", (err) => say(socket.active ? "wait" : "off", socket.active ? t("lost") : t("refused", { why: err.message })));
	let back;
	socket.on("slow down", (why) => {
		say("off", t("limit", { why: chinese ? t("error.slow_down") : String(why) }));
		clearTimeout(back);
		back = setTimeout(() => socket.connected && on(), 2500);
	});
}

// Calls the server and waits for the answer. What the server refuses, and a server that does not answer in time, is thrown.
export async function ask(socket, event, ...args) {
	const answer = await socket.timeout(5000).emitWithAck(event, ...args);
	if (answer?.error) throw Object.assign(new Error(explain(answer.error)), { code: answer.error.code });
	return answer;
}
