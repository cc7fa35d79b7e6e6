// Where to connect to, as somebody has written it. Nothing here connects.

import { JSONError, parse } from "./assets/json.js";

const host = /^[\w-]+(\.[\w-]+)+(:\d+)?(\/|$)|^[\w.-]+:\d+|^\[[\da-f:.]+\]|^localhost(\/|$)/i;

/**
 * A namespace: it begins with a slash. "chat" → { namespace: "/chat" }; a host or two namespaces at once are none:
 * { problem: "host" | "two" | "query" }. An address of the server itself names what it names there.
 */
export function namespaceOf(text, here) {
	let name = text.trim();
	if (URL.canParse(name) && new URL(name).origin === here) {
		const { pathname, search, hash } = new URL(name);
		name = pathname + search + hash;
	}
	if (/^[a-z][a-z\d+.-]*:\/\//i.test(name) || (!name.startsWith("/") && host.test(name))) return { problem: "host" };
	if (/[\s,;]/.test(name)) return { problem: "two" };
	if (/[?#]/.test(name)) return { problem: "query" };
	name = "/" + name.replace(/^[/\\]+/, "");
	return host.test(name.slice(1)) && text.trim().startsWith("//") ? { problem: "host" } : { namespace: name };
}

/**
 * A server: an origin. What an address has beside it belongs elsewhere: its path is a namespace, as the client takes it, or where
 * Socket.IO is, when it ends in /socket.io/. { url, namespace?, path? } or { problem: "address" | "scheme" }
 */
export function serverOf(text, here) {
	let name = text.trim();
	if (!name) return { url: here };
	if (/^\/\//.test(name)) name = new URL(here).protocol + name;
	if (!/^[a-z][a-z\d+.-]*:\/\//i.test(name)) {
		if (/^[a-z][a-z\d+.-]*:(?!\d)/i.test(name)) return { problem: "scheme" }; // mailto: and the like
		name = "http://" + name;
	}
	name = name.replace(/^ws(s?):/i, "http$1:");
	if (!URL.canParse(name)) return { problem: "address" };
	const url = new URL(name);
	if (!/^https?:$/.test(url.protocol)) return { problem: "scheme" };
	const out = { url: url.origin };
	if (/\/socket\.io\/?$/.test(url.pathname)) out.path = url.pathname.replace(/\/?$/, "/");
	else if (url.pathname !== "/") out.namespace = url.pathname;
	return out;
}

export const pathOf = (text) => `/${text.trim().replace(/^\/+|\/+$/g, "")}/`.replace(/^\/\/$/, "/");

/** A JSON object; { problem: JSONError } when it is none, and "object" when it is something else. */
export function objectOf(text) {
	try {
		const value = parse(text);
		return value !== null && typeof value === "object" && !Array.isArray(value) ? { value } : { problem: "object" };
	} catch (err) {
		if (err instanceof JSONError) return { problem: err };
		throw err;
	}
}
