// Where a description and its server do not agree. It is said, once for each connection and event, and nothing relies on the description.

import { check } from "./check.js";
import { find } from "./described.js";

export class Drift {
	#said = new Set();

	/** tell(key, values) is called with a key of the page's words. */
	constructor(contract, namespace, tell) {
		Object.assign(this, { contract, tell, namespace, ns: find(contract, namespace) });
	}

	#once(key, event, values) {
		const id = `${key} ${event}`;
		if (this.#said.has(id) || this.#said.size > 200) return;
		this.#said.add(id);
		this.tell(key, values);
	}

	connected() {
		if (this.contract && !this.ns) this.#once("d.namespace", "", { namespace: this.namespace });
	}

	heard(name, values) {
		if (!this.ns) return;
		const event = this.ns.said.find((one) => one.name === name);
		if (!event) return this.#once("d.event", name, { event: name, namespace: this.namespace });
		this.#hold(name, event.args, values);
	}

	answered(name, values) {
		const event = this.ns?.heard.find((one) => one.name === name);
		if (event?.ack) this.#hold(`${name} ←`, event.ack, values);
	}

	#hold(name, args, values) {
		for (const [i, { schema }] of args.entries()) {
			const [fault] = check(schema, values[i], this.contract.resolve);
			if (fault) return this.#once("d.value", name, { event: name, where: fault.path || `#${i + 1}`, why: fault.text });
		}
	}
}

/** What the server itself says of what runs, beside its description: sentences as [key, values]. */
export function compare(contract, namespaces) {
	const found = [];
	const missing = contract.namespaces.map(({ name }) => name).filter((name) => !name.includes("{") && !namespaces.some((ns) => ns.name === name));
	if (missing.length) found.push(["d.missing", { names: missing.slice(0, 10).join("  ") }]);
	for (const { name, heard } of namespaces) {
		const ns = find(contract, name);
		if (!ns || !heard) continue;
		const more = ns.heard.filter((event) => !heard.includes(event.name)).map((event) => event.name);
		const less = heard.filter((event) => !ns.heard.some((one) => one.name === event));
		if (more.length) found.push(["d.unheard", { namespace: name, names: more.slice(0, 10).join("  ") }]);
		if (less.length) found.push(["d.undescribed", { namespace: name, names: less.slice(0, 10).join("  ") }]);
	}
	return found;
}
