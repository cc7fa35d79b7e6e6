// Values as JSON text and back, with binary in it: {"$base64": "…"}.

import { parse } from "./assets/json.js";

const bytesOf = (it) => (it instanceof ArrayBuffer ? new Uint8Array(it) : ArrayBuffer.isView(it) ? new Uint8Array(it.buffer, it.byteOffset, it.byteLength) : undefined);

function base64(bytes) {
	let text = "";
	for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
	return btoa(text);
}

export function write(value, space) {
	return JSON.stringify(value, (_, it) => {
		const bytes = bytesOf(it);
		return bytes ? { $base64: base64(bytes) } : it;
	}, space);
}

const isPacked = (it) => it !== null && typeof it === "object" && typeof it.$base64 === "string" && Object.keys(it).length === 1;

function unpack(it) {
	try {
		return Uint8Array.from(atob(it.$base64), (c) => c.charCodeAt(0));
	} catch {
		return it; // somebody's own
	}
}

function revive(it) {
	if (isPacked(it)) return unpack(it);
	if (Array.isArray(it)) return it.map(revive);
	if (it === null || typeof it !== "object") return it;
	return Object.fromEntries(Object.entries(it).map(([key, value]) => [key, revive(value)]));
}

/** Throws JSONError, which says where. */
export const read = (text) => revive(parse(text));
