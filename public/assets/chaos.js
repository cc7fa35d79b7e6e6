// The chaos panel: what networks do to a connection, at the press of a button. A demo that has an element with id "chaos" calls
//
//	chaos(socket, t, { delay: true, slow: true });
//
// cut      the connection is closed and kept from coming back until it is mended
// delay    what comes down is held back for a while, in order; what is still held when the connection ends is lost with it
// slow     this page polls like a reader on a bad line: the server's queue for it grows, nobody else waits
// restart  the server ends its side of the connection, as it does when it restarts; the client comes back by itself

import { $, el } from "./dom.js";
import { chinese, rich } from "./words.js";
import { XHR } from "/socket.io/socket.io.esm.min.js";

const words = chinese ? {
	title: "混乱面板", cut: "切断网络", mend: "接好网络", delay: "延迟收到的消息", none: "不延迟", slow: "慢速读取", fast: "恢复读取", restart: "重启服务端这一侧",
	isCut: "网络已断。接好之前什么也到不了。", mended: "网络已接好。", delayed: "每个事件晚 {ms} 毫秒处理，顺序不变。", restarted: "服务器将关闭这条连接；客户端会自己回来。",
	slowed: "本页改用长轮询，每次轮询前等两秒。", quick: "恢复正常的传输方式。",
} : {
	title: "Chaos", cut: "Cut the network", mend: "Mend the network", delay: "Delay what comes down", none: "no delay", slow: "Read slowly", fast: "Read normally", restart: "Restart the server’s side",
	isCut: "The network is cut. Nothing gets through until it is mended.", mended: "The network is mended.", delayed: "Every event is handled {ms} ms late, in order.",
	restarted: "The server closes this connection. The client comes back by itself.", slowed: "This page polls now, and waits two seconds before each poll.", quick: "Back to the usual transports.",
};

export class SlowPolling extends XHR {
	doPoll() { setTimeout(() => super.doPoll(), 2000); }
}

export function cut(socket) {
	socket.io.reconnection(false);
	socket.io.engine.close();
}

export function mend(socket) {
	socket.io.reconnection(true);
	socket.connect();
}

// Reconnects over other transports.
function over(socket, transports) {
	socket.io.opts.transports = transports;
	socket.io.engine.close();
}

export function chaos(socket, { delay = false, slow = false } = {}) {
	const out = el("output", { id: "chaos-says" });
	const say = (text) => out.replaceChildren(...rich(text));
	const toggle = (off, on, change, says, unsays) => {
		const button = el("button.slim", { type: "button", ariaPressed: "false", onclick() {
			const now = button.ariaPressed !== "true";
			button.ariaPressed = String(now);
			button.textContent = now ? on : off;
			change(now);
			say(now ? says : unsays);
		} }, off);
		return button;
	};
	const buttons = [
		toggle(words.cut, words.mend, (now) => (now ? cut(socket) : mend(socket)), words.isCut, words.mended),
		el("button.slim", { type: "button", onclick: () => { socket.emit("restart"); say(words.restarted); } }, words.restart),
	];
	if (slow) buttons.push(toggle(words.slow, words.fast, (now) => over(socket, now ? [SlowPolling] : ["polling", "websocket"]), words.slowed, words.quick));
	const panel = $("#chaos");
	panel.classList.add("chaos");
	panel.append(el("h2", { id: "chaos-title" }, words.title), el("div.row", {}, ...buttons));
	panel.setAttribute("aria-labelledby", "chaos-title");
	if (delay) panel.append(delayer(socket, say));
	panel.append(out);
}

// Holds packets of the Socket.IO layer back, one behind the other.
function delayer(socket, say) {
	const range = el("input", { type: "range", min: 0, max: 3000, step: 250, value: 0 });
	const deliver = socket.onevent.bind(socket);
	let last = Promise.resolve(), connection = 0;
	socket.on("disconnect", () => { connection++; });
	socket.onevent = (packet) => {
		const due = performance.now() + Number(range.value), its = connection;
		last = last.then(() => new Promise((done) => setTimeout(done, due - performance.now()))).then(() => its === connection && deliver(packet));
	};
	range.addEventListener("input", () => say(Number(range.value) ? words.delayed.replace("{ms}", range.value) : words.none));
	return el("label", {}, words.delay, range);
}
