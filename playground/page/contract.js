// What a server hears and says, from its AsyncAPI 3 document: that of sockeye-events, or anybody's. A document is never trusted: what
// cannot be read is a fault in words, and the rest is read all the same.

import { bare, followed, isObject, list, members, own, resolver } from "./schema.js";
import { say, short } from "./said.js";

const LARGEST = 8 << 20, EVENTS = 2000, NAMESPACES = 500, ARGUMENTS = 50, NAME = 200, FAULTS = 50;

// read(document) takes the document as text or parsed, and returns {namespaces, faults, resolve}. A namespace is {name, heard, said}, lists
// of {name, doc, args: [{name, doc, schema}], ack, list}: ack is null if none is given, else what comes with it as [{name, schema}]; list
// says that any number of further arguments may follow. resolve is for sample, check and form.
export function read(text) {
	const faults = [];
	const fault = (key, values) => void (faults.length < FAULTS && faults.push(say(key, values)));
	const nothing = (key, values) => ({ namespaces: [], faults: [say("noDocument", { why: say(key, values) })], resolve: resolver({}) });
	let document = text;
	if (typeof text === "string") {
		if (text.length > LARGEST) return nothing("tooLarge", { n: LARGEST >> 20 });
		try {
			document = JSON.parse(text);
		} catch {
			return nothing("notJSON");
		}
	}
	if (!isObject(document)) return nothing("notObject");
	const version = own(document, "asyncapi");
	if (typeof version !== "string" || !/^3\.\d+\.\d+/.test(version)) return nothing("version", { version: short(version ?? "?", 20) });
	const channels = own(document, "channels");
	if (!isObject(channels)) return nothing("noChannels");
	const resolve = resolver(document);
	const lead = (value, where) => {
		const { found, last, fault: wrong, ref } = followed(document, value);
		if (wrong) fault(wrong, { at: where, ref: short(ref) });
		return { found, last };
	};

	const namespaces = new Map(); // by channel, the object in the document
	let full = false;
	for (const [id, value] of members(channels)) {
		const { found: channel } = lead(value, short("channels." + id));
		if (!isObject(channel)) continue;
		const address = own(channel, "address") ?? id;
		const name = typeof address === "string" ? (address === "" ? "/" : address.startsWith("/") ? address : "/" + address) : undefined;
		if (!usable(name) || name.includes(",")) fault("badName", { at: short("channels." + id) });
		else if (namespaces.size >= NAMESPACES) full = true;
		else if (!namespaces.has(channel)) namespaces.set(channel, [...namespaces.values()].find((other) => other.name === name) ?? { name, heard: [], said: [] });
	}
	if (full) fault("tooMany", { n: NAMESPACES, what: say("namespaces") });

	const sides = { receive: "heard", send: "said" };
	let left = EVENTS;
	const add = (channel, side, value, where, ack) => {
		const namespace = namespaces.get(channel);
		const { found: message, last } = lead(value, where);
		if (!namespace || !isObject(message)) return;
		const name = own(message, "name") ?? own(message, "title") ?? unescaped(last);
		if (!usable(name)) return fault("badName", { at: where });
		if (namespace[side].some((event) => event.name === name)) return;
		if (left-- <= 0) return left === -1 ? fault("tooMany", { n: EVENTS, what: say("events") }) : undefined;
		const { args, more } = argumentsOf(message, where);
		namespace[side].push({ name, doc: doc(message), args, ack: ack === undefined ? null : ack, list: more });
	};
	const argumentsOf = (message, where) => {
		const written = own(message, "payload");
		if (written === undefined) return { args: [], more: false };
		const payload = bare(lead(bare(written), where).found);
		if (!isObject(payload) && typeof payload !== "boolean") {
			fault("badSchema", { at: where });
			return { args: [], more: true };
		}
		switch (own(message, "x-arguments")) {
			case "any": return { args: [], more: true };
			case "list": {
				const first = list(own(payload, "prefixItems"));
				if (first.length > ARGUMENTS) fault("tooMany", { n: ARGUMENTS, what: say("arguments") });
				const args = first.slice(0, ARGUMENTS).map((schema, i) => argument(schema, `arg${i + 1}`));
				const most = own(payload, "maxItems"), rest = own(payload, "items");
				if (rest !== undefined && rest !== false && most === args.length + 1) args.push(argument(rest, `arg${args.length + 1}`));
				return { args, more: !Number.isInteger(most) || most > args.length };
			}
		}
		return { args: [argument(bare(written), "value")], more: false };
	};
	const argument = (schema, otherwise) => {
		const whole = resolve(schema);
		const title = own(whole, "title"), of = /\/schemas\/([^/]+)/.exec(String(own(schema, "$ref") ?? ""))?.[1].replace(/\.heard$/, "");
		return { name: short(typeof title === "string" && title ? title : of ? unescaped(of) : otherwise, 60), doc: doc(whole), schema: isObject(schema) || typeof schema === "boolean" ? schema : {} };
	};
	const answer = (reply, where) => {
		if (reply === undefined) return undefined;
		const { found } = lead(reply, where);
		if (!isObject(found)) return undefined;
		const channel = lead(own(found, "channel"), where).found;
		const message = list(own(found, "messages"))[0] ?? (isObject(channel) ? members(own(channel, "messages"))[0]?.[1] : undefined);
		const whole = message === undefined ? {} : lead(message, where).found;
		return argumentsOf(isObject(whole) ? whole : {}, where).args.map(({ name, schema }) => ({ name, schema }));
	};

	for (const [id, value] of members(own(document, "operations")).slice(0, EVENTS * 2)) {
		const where = short("operations." + id);
		const { found: operation } = lead(value, where);
		if (!isObject(operation)) {
			fault("badOperation", { at: where });
			continue;
		}
		const side = own(sides, own(operation, "action"));
		if (!side) {
			fault("badAction", { at: where });
			continue;
		}
		const { found: channel } = lead(own(operation, "channel"), where);
		if (!namespaces.has(channel)) continue;
		const ack = answer(own(operation, "reply"), where);
		const messages = own(operation, "messages");
		const all = Array.isArray(messages) ? messages : members(own(channel, "messages")).map(([, message]) => message);
		for (const message of all.slice(0, EVENTS)) add(channel, side, message, where, ack);
	}
	const result = new Set(namespaces.values());
	return { namespaces: [...result], faults, resolve };
}

const usable = (name) => typeof name === "string" && name !== "" && name.length <= NAME;

const doc = (object) => {
	const text = own(object, "description") ?? own(object, "summary");
	return typeof text === "string" ? text.slice(0, 2000) : "";
};

function unescaped(ref) {
	if (typeof ref !== "string") return undefined;
	const part = ref.slice(ref.lastIndexOf("/") + 1).replaceAll("~1", "/").replaceAll("~0", "~");
	try {
		return decodeURIComponent(part);
	} catch {
		return part;
	}
}
