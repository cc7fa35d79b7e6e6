// Connects to a namespace and keeps the page's state line truthful: connecting, connected (and over what), lost, refused.
//
//	const socket = connect("/chat", { t });
//
// A server that goes away is waited for; the client comes back by itself. What a namespace answers to a flood or an over-long
// text arrives as the event "slow down" and is shown in the same line for a moment.

import { io } from "/socket.io/socket.io.esm.min.js";
import { $ } from "./dom.js";
import { chinese, explain, plainly } from "./words.js";

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
	socket.on("disconnect", (reason) => say(socket.active ? "wait" : "off", t(socket.active ? "lost" : "stopped", { why: plainly(reason) })));
	socket.on("connect_error", (err) => say(socket.active ? "wait" : "off", socket.active ? t("lost") : t("refused", { why: plainly(err) })));
	let back;
	socket.on("slow down", (why) => {
		say("off", t("limit", { why: chinese ? t("error.slow_down") : String(why) }));
		clearTimeout(back);
		back = setTimeout(() => socket.connected && on(), 2500);
	});
}

// Calls the server and waits for the answer. Thrown is, in words for people, what the server refuses, with its code; and that there is
// no connection or no answer in time, without a code: then nobody knows whether it was done.
/**
 * @template {{ [event: string]: any }} Heard
 * @template {keyof Heard & string} Name
 * @param {import("socket.io-client").Socket<any, Heard>} socket
 * @param {Name} event
 * @param {Heard[Name] extends (...args: infer P) => void ? P extends [...infer Args, (...answer: any[]) => void] ? Args : never : never} args
 * @returns {Promise<Heard[Name] extends (...args: [...any, (answer: infer A) => void]) => void ? Exclude<A, { error: any }> : any>}
 */
export async function ask(socket, event, ...args) {
	if (!socket.connected) throw new Error(plainly("offline"));
	let answer;
	try {
		answer = await socket.timeout(5000).emitWithAck(event, ...args);
	} catch (err) {
		throw new Error(plainly(err));
	}
	if (answer?.error) throw Object.assign(new Error(explain(answer.error)), { code: answer.error.code });
	return answer;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Has enter take the page's place on the server with each new connection, and again when there was no answer or no room for now. What
// is refused for good, and what is not known yet, is told; "" once there is nothing to tell.
export function entering(socket, enter, tell) {
	socket.on("connect", async () => {
		const id = socket.id;
		for (let wait = 500; socket.connected && socket.id === id; wait = Math.min(wait * 2, 5000)) {
			try {
				await enter();
				return tell("");
			} catch (err) {
				tell(err.message);
				if (err.code && err.code !== "slow_down" && err.code !== "full") return;
			}
			await pause(wait);
		}
	});
}

// What was made here and must reach the server. It waits while there is no connection and is sent in its order, one after the other;
// what got no answer is sent again, so the server must know it by an id. send(item) asks, refused(item, err) is told of what the
// server does not want, and changed(items) of each change. Nothing goes out before start, which belongs at the end of an enter.
export class Outbox {
	constructor(socket, { send, refused, changed = (..._) => {} }) {
		Object.assign(this, { socket, send, refused, open: false, busy: false });
		this.changed = changed;
		this.items = [];
		socket.on("disconnect", () => { this.open = false; });
	}

	add(item) {
		this.items.push(item);
		this.changed(this.items);
		this.flush();
	}

	remove(item) {
		this.items = this.items.filter((other) => other !== item);
		this.changed(this.items);
	}

	start() {
		this.open = true;
		this.flush();
	}

	async flush() {
		if (this.busy) return;
		this.busy = true;
		while (this.open && this.items.length) {
			const item = this.items[0];
			try {
				await this.send(item);
				this.remove(item);
			} catch (err) {
				if (err.code && err.code !== "slow_down") {
					this.remove(item);
					this.refused(item, err);
				} else if (this.items.includes(item)) {
					this.changed(this.items, err);
					await pause(1000);
				}
			}
		}
		this.busy = false;
	}
}
