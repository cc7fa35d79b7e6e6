// What a schema lets through, in a few words as TypeScript has them, for lists: { room: string, name?: string }

import { flat, isBytes, list, members, own, types } from "./schema.js";

export function shape(schema, resolve, depth = 0) {
	const whole = flat(schema, resolve);
	if (Object.hasOwn(whole, "const")) return brief(whole.const);
	if (Array.isArray(own(whole, "enum"))) return some(whole.enum.map(brief));
	const branches = [...list(own(whole, "anyOf")), ...list(own(whole, "oneOf"))];
	if (branches.length) return some([...new Set(branches.map((branch) => shape(branch, resolve, depth)))]);
	if (isBytes(whole)) return types(whole).includes("null") ? "binary | null" : "binary";
	const named = types(whole);
	return named.length ? some(named.map((type) => one(type, whole, resolve, depth))) : "any";
}

const brief = (value) => JSON.stringify(value)?.slice(0, 40) ?? "any";
const some = (parts, most = 4) => parts.slice(0, most).join(" | ") + (parts.length > most ? " | …" : "");

function one(type, whole, resolve, depth) {
	if (type === "integer") return "integer";
	if (type === "array") {
		const first = list(own(whole, "prefixItems"));
		if (first.length) return `[${first.slice(0, 4).map((item) => shape(item, resolve, depth + 1)).join(", ")}${first.length > 4 ? ", …" : ""}]`;
		const item = depth > 2 || own(whole, "items") === undefined ? "any" : shape(whole.items, resolve, depth + 1);
		return (item.includes(" | ") ? `(${item})` : item) + "[]";
	}
	if (type !== "object") return type;
	const parts = members(own(whole, "properties")), needed = list(own(whole, "required"));
	if (parts.length === 1 && parts[0][0] === "error") return "error"; // as a Call says it
	if (depth > 1) return "{…}";
	const shown = parts.slice(0, 6).map(([name, part]) => `${name.slice(0, 40)}${needed.includes(name) ? "" : "?"}: ${shape(part, resolve, depth + 1)}`);
	if (parts.length > 6) shown.push("…");
	if (!parts.length && typeof own(whole, "additionalProperties") === "object") shown.push(`[key]: ${shape(whole.additionalProperties, resolve, depth + 1)}`);
	return shown.length ? `{ ${shown.join(", ")} }` : "{}";
}

/** The arguments of an event, and what answers it. */
export const signature = (event, resolve) => [...event.args.map(({ name, schema }) => `${name}: ${shape(schema, resolve)}`), ...(event.list ? ["…"] : [])].join(", ");
export const answer = (event, resolve) => event.ack?.map(({ schema }) => shape(schema, resolve)).join(", ");
