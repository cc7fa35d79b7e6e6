// What is connected in a slot: from the form to the connection, and what comes of it to the timeline, the wire and the state.

import { $ , el } from "./assets/dom.js";
import { plainly } from "./assets/words.js";
import { cause } from "./cause.js";
import { client } from "./clients.js";
import { open } from "./connection.js";
import { describe, find, known } from "./described.js";
import { Drift } from "./drift.js";
import { frame } from "./frames.js";
import { sample } from "./sample.js";

export class Session {
	/** refresh() is called when more is known of the server. */
	constructor({ t, server, slots, timeline, refresh }) {
		Object.assign(this, { t, server, slots, timeline, refresh });
	}

	note(slot, ...what) { this.timeline.add(slot.n, ...what); }

	async connect(slot, target) {
		const { t, slots } = this, serial = this.end(slot);
		const current = (f) => (...what) => slot.serial === serial && f(...what);
		slot.target = target;
		slots.say(slot, "wait", t("connecting"));
		this.ready();
		this.read(slot, target, serial);
		let io;
		try {
			io = await client(target.version, this.server.path);
		} catch (err) {
			if (slot.serial !== serial) return;
			slots.say(slot, "off", t("noClient", { version: target.version }));
			slot.cause = { cause: "noClient", values: { version: target.version }, fix: err.message };
			return this.ready();
		}
		if (slot.serial !== serial) return;
		const looked = { at: undefined };
		slot.connection = open(io, target, {
			packet: current((...what) => frame(t, slot.n, ...what)),
			upgrade: current((kind, name) => this.note(slot, "info", kind, name)),
			event: current((...what) => this.event(slot, ...what)),
			up: current((what) => this.up(slot, what)),
			down: current((reason, back) => {
				this.note(slot, "info", "disconnect", reason, plainly(reason));
				slots.say(slot, back ? "wait" : "off", t(back ? "lost" : "stopped", { why: plainly(reason) }));
			}),
			failed: current((err, back) => this.failed(slot, serial, looked, err, back)),
		});
		this.ready();
	}

	/** Ends what is in a slot, and returns the number of what comes. */
	end(slot) {
		slot.connection?.close();
		Object.assign(slot, { connection: undefined, cause: undefined, drift: undefined });
		return ++slot.serial;
	}

	disconnect(slot) {
		slot.connection.close();
		if (slot.state !== "off") this.slots.say(slot, "off", this.t("stopped", { why: plainly("io client disconnect") }));
	}

	async read(slot, target, serial) {
		const { contract } = await describe(target, this.server);
		if (slot.serial !== serial) return;
		slot.drift = new Drift(contract, target.namespace, (key, values) => this.note(slot, "warn", this.t("drift"), this.t(key, values)));
		if (slot.state === "on") slot.drift.connected();
		this.refresh();
	}

	up(slot, { id, recovered, transport }) {
		if (slot.state !== "on") this.note(slot, "info", "connect", { id, recovered });
		this.slots.say(slot, "on", this.t("connected", { transport }));
		slot.cause = undefined;
		slot.drift?.connected();
		this.ready();
	}

	event(slot, name, values, ack) {
		this.note(slot, "down", name, ...values);
		slot.drift?.heard(name, values);
		if (!ack) return;
		const { contract } = known(slot.target) ?? {}; // somebody at the server waits for it
		const wanted = find(contract, slot.target.namespace)?.said.find((event) => event.name === name)?.ack;
		const answer = wanted ? wanted.map(({ schema }) => sample(schema, contract.resolve)) : ["yes"];
		ack(...answer);
		this.note(slot, "up", `${name} → ${this.t("answered")}`, ...answer);
	}

	async failed(slot, serial, looked, err, back) {
		const { t, slots } = this;
		this.note(slot, "info", "connect_error", err, plainly(err));
		slots.say(slot, back ? "wait" : "off", back ? t("lost") : t("refused", { why: plainly(err) }));
		if (looked.at === err.message) return; // the same again
		looked.at = err.message;
		const names = slot.target.url === location.origin && slot.target.path === this.server.path ? this.server.namespaces : known(slot.target)?.contract?.namespaces ?? [];
		const found = await cause(slot.target, err, names.map(({ name }) => name));
		if (slot.serial !== serial || slot.state === "on") return;
		slot.cause = found;
		this.note(slot, "warn", "connect_error", t("c." + found.cause, found.values));
		this.ready();
	}

	/** Brings the forms in line with the slot that is chosen. */
	ready() {
		const { connection, cause } = this.slots.now;
		$("#send").disabled = $("#disconnect").disabled = !connection;
		$("#cause").hidden = !cause;
		if (cause) $("#cause").replaceChildren(el("p", {}, ...this.t.nodes("c." + cause.cause, cause.values)), cause.fix ? el("pre", { tabIndex: 0 }, cause.fix) : "");
	}
}
