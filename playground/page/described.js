// The description of a server: from this page's own, from where servers have theirs, or from a file. { contract } with what contract.js
// reads, or { none, values }: a key of the page's words that says why there is none.

import { read } from "./contract.js";

const most = 8 << 20, kept = new Map(); // by server and path

/** What is known of a server by now; undefined before it was asked. */
export const known = ({ url, path }) => kept.get(url + path);

/** Asks, unless it is known. */
export async function describe({ url, path }, server) {
	const key = url + path;
	if (!kept.get(key)?.contract) kept.set(key, await ask(url === location.origin && path === server.path && server.described ? "asyncapi.json" : `${url}${path}asyncapi.json`));
	return kept.get(key);
}

/** Takes a document from a file for that server. */
export function given({ url, path }, text, name) {
	const described = understood(text, name);
	kept.set(url + path, described);
	return described;
}

async function ask(address) {
	try {
		const res = await fetch(address, { signal: AbortSignal.timeout(8000) });
		if (!res.ok) return { none: "noDescription", values: { status: res.status, address: new URL(address, location.href).pathname } };
		return understood(await limited(res), new URL(address, location.href).href);
	} catch {
		return { none: "noReading", values: { address } };
	}
}

function understood(text, from) {
	const contract = read(text);
	return contract.namespaces.length ? { contract, from } : { none: "noContract", values: { why: contract.faults.join(" "), address: from } };
}

// A text, or what is too long already: nobody has to take all that a server sends.
async function limited(res) {
	const reader = res.body.getReader(), decoder = new TextDecoder();
	let text = "";
	for (let next; text.length <= most && !(next = await reader.read()).done;) text += decoder.decode(next.value, { stream: true });
	if (text.length > most) reader.cancel().catch(() => {});
	return text;
}

// A part of a name that a pattern's part stands for: org-7 for org-{id}.
function fits(part, name) {
	if (!part.includes("{") || !part.includes("}")) return part === name;
	const start = part.slice(0, part.indexOf("{")), end = part.slice(part.lastIndexOf("}") + 1);
	return name.length > start.length + end.length && name.startsWith(start) && name.endsWith(end);
}

/** The namespace of that name in a contract, also one that a pattern such as /org-{id} stands for. */
export function find(contract, name) {
	const parts = name.split("/");
	return contract?.namespaces.find((ns) => ns.name === name) ?? contract?.namespaces.find((ns) => {
		const pattern = ns.name.split("/");
		return pattern.length === parts.length && pattern.every((part, i) => fits(part, parts[i]));
	});
}
