// What this browser keeps of the playground: the last requests, and those that were given a name. Storage may be full or forbidden, and
// what is in it may be anybody's: then it lasts as long as the page.

import { isBinary, isObject, list, own } from "./schema.js";
import { say } from "./said.js";

const HISTORY = 100, REQUESTS = 300, NAME = 100, ONE = 256 << 10, ALL = 1 << 20, FILE = 8 << 20, DEEP = 60, FAULTS = 50;
const FORMAT = "sockeye-playground", VERSION = 1;

export class Store {
	#storage;
	#prefix;
	#memory = new Map(); // what could not be stored

	// storage is localStorage, or nothing where even asking for it throws.
	constructor(storage, prefix = "sockeye.playground.") {
		this.#storage = storage;
		this.#prefix = prefix;
	}

	// history is the last requests, as {at (ms), request}, the newest first.
	history() {
		return this.#read("history").map((entry) => ({ at: Number.isFinite(own(entry, "at")) ? entry.at : 0, request: request(own(entry, "request"), true).request })).filter((entry) => entry.request);
	}

	// add puts a request before the others, the oldest of which go. It returns "" or why it lasts only as long as the page.
	add(what, at = Date.now()) {
		const { request: kept, why } = request(what, false);
		return kept ? this.#write("history", [{ at, request: packed(kept) }, ...this.#read("history")].slice(0, HISTORY), true) : why;
	}

	clear() {
		return this.#write("history", []);
	}

	// list is the requests with a name, as {name, request}, by name.
	list() {
		return this.#read("requests").map((entry) => ({ name: named(own(entry, "name")).name, request: request(own(entry, "request"), true).request })).filter((entry) => entry.name && entry.request);
	}

	// save keeps a request under a name, in place of what had it. It, remove and rename return "" or what is wrong.
	save(name, what) {
		const { name: kept, why } = named(name);
		if (!kept) return why;
		const { request: safe, why: wrong } = request(what, false);
		if (!safe) return wrong;
		const others = this.list().filter((entry) => entry.name !== kept);
		if (others.length >= REQUESTS) return say("fullRequests", { n: REQUESTS });
		return this.#all([...others, { name: kept, request: safe }]);
	}

	remove(name) {
		const before = this.list(), others = before.filter((entry) => entry.name !== name);
		return others.length === before.length ? say("gone") : this.#all(others);
	}

	rename(from, to) {
		const { name, why } = named(to);
		if (!name) return why;
		const all = this.list(), entry = all.find((one) => one.name === from);
		if (!entry) return say("gone");
		if (name !== from && all.some((one) => one.name === name)) return say("taken");
		entry.name = name;
		return this.#all(all);
	}

	// exportFile is the named requests as the text of a file.
	exportFile() {
		return JSON.stringify({ format: FORMAT, version: VERSION, requests: this.list().map((entry) => ({ name: entry.name, request: packed(entry.request) })) }, null, "\t") + "\n";
	}

	// importFile adds those of a file: {added, faults}. What is there stays: another one of the same name gets a number.
	importFile(text) {
		const nothing = (key, values) => ({ added: 0, faults: [say(key, values)] });
		if (typeof text !== "string" || text.length > FILE) return nothing("notExport");
		let file;
		try {
			file = JSON.parse(text);
		} catch {
			return nothing("notExport");
		}
		if (own(file, "format") !== FORMAT || !Array.isArray(own(file, "requests"))) return nothing("notExport");
		if (!(own(file, "version") <= VERSION)) return nothing("newer");
		const all = this.list(), faults = [];
		let added = 0;
		for (const [i, entry] of file.requests.entries()) {
			const { name, why } = named(own(entry, "name")), { request: safe, why: wrong } = request(own(entry, "request"), true);
			if (!name || !safe) {
				if (faults.length < FAULTS) faults.push(say("badRequest", { n: i + 1, why: why || wrong }));
				continue;
			}
			const written = JSON.stringify(packed(safe));
			if (all.some((one) => one.name === name && JSON.stringify(packed(one.request)) === written)) continue;
			if (all.length >= REQUESTS) {
				faults.push(say("fullRequests", { n: REQUESTS }));
				break;
			}
			let free = name;
			for (let n = 2; all.some((one) => one.name === free); n++) free = `${name.slice(0, NAME - 6)} (${n})`;
			all.push({ name: free, request: safe });
			added++;
		}
		const why = added > 0 ? this.#all(all) : "";
		return { added, faults: why ? [...faults, why] : faults };
	}

	#all(entries) {
		return this.#write("requests", entries.sort((a, b) => (a.name < b.name ? -1 : 1)).map((entry) => ({ name: entry.name, request: packed(entry.request) })));
	}

	#read(key) {
		if (this.#memory.has(key)) return this.#memory.get(key);
		try {
			const text = this.#storage?.getItem(this.#prefix + key) ?? "[]";
			return text.length > FILE ? [] : list(JSON.parse(text));
		} catch {
			return []; // forbidden, or of somebody else
		}
	}

	// Of the history the oldest go until it fits; a named request goes never.
	#write(key, entries, shrink = false) {
		while (shrink && entries.length > 1 && JSON.stringify(entries).length > ALL) entries = entries.slice(0, Math.floor(entries.length * 0.8));
		for (;;) {
			try {
				if (!this.#storage) throw new Error("no storage");
				this.#storage.setItem(this.#prefix + key, JSON.stringify(entries));
				this.#memory.delete(key);
				return "";
			} catch (err) {
				const full = /quota/i.test(err?.name + err?.message);
				if (full && shrink && entries.length > 1) {
					entries = entries.slice(0, Math.floor(entries.length / 2));
					continue;
				}
				this.#memory.set(key, entries);
				return say(full ? "full" : "forbidden");
			}
		}
	}
}

function named(name) {
	if (typeof name !== "string" || name.trim() === "") return { why: say("noName") };
	const letters = name.trim();
	return letters.length > NAME ? { why: say("tooLong", { n: NAME }) } : { name: letters };
}

const fields = {
	url: "string", path: "string", namespace: "string", version: "string", event: "string", transports: "array", query: "object", auth: "object", headers: "object", args: "array", ack: "boolean", timeout: "number", volatile: "boolean",
};

// A request with the members that one has, each of its type; what else there is is left out. stored says that it comes from where bytes are written as text.
function request(value, stored) {
	if (!isObject(value)) return { why: say("notObject") };
	if (typeof own(value, "event") !== "string") return { why: say("noEvent") };
	const out = {};
	for (const [key, type] of Object.entries(fields)) {
		const member = own(value, key);
		if (type === (Array.isArray(member) ? "array" : member === null ? "null" : typeof member)) out[key] = member;
		else if (key === "transports" && typeof member === "string") out[key] = member.split(",");
	}
	const members = copied(out, stored, 0);
	if (members === undefined) return { why: say("deepRequest") };
	return JSON.stringify(packed(members)).length > ONE ? { why: say("tooBig") } : { request: members };
}

const BYTES = "$base64";

// Bytes are kept as {"$base64": …}, and what looks like that as {"$base64": {…}}.
function packed(value) {
	if (isBinary(value)) return { [BYTES]: btoa(Array.from(new Uint8Array(value), (byte) => String.fromCharCode(byte)).join("")) };
	if (Array.isArray(value)) return value.map(packed);
	if (!isObject(value)) return value;
	const entries = Object.entries(value).map(([key, one]) => [key, packed(one)]);
	return entries.length === 1 && entries[0][0] === BYTES ? { [BYTES]: Object.fromEntries(entries) } : Object.fromEntries(entries);
}

// A value without what it shares with another, undefined if it is too deep.
function copied(value, stored, depth) {
	if (depth > DEEP) return undefined;
	if (isBinary(value) || typeof value !== "object" || value === null) return value;
	const entries = Object.entries(value);
	if (stored && entries.length === 1 && entries[0][0] === BYTES) {
		const inside = entries[0][1];
		if (isObject(inside) && Object.keys(inside).join() === BYTES) return rebuilt(inside, stored, depth);
		if (typeof inside === "string") {
			try {
				return Uint8Array.from(atob(inside), (letter) => letter.charCodeAt(0));
			} catch { /* no base64: it is what it is */ }
		}
	}
	return rebuilt(value, stored, depth);
}

function rebuilt(value, stored, depth) {
	const entries = Object.entries(value).map(([key, one]) => [key, copied(one, stored, depth + 1)]);
	if (entries.some(([key, one]) => one === undefined && value[key] !== undefined)) return undefined;
	return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}
