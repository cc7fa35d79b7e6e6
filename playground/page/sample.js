// A filled example of a schema's values, to begin with.

import { both, count, flat, isBytes, list, members, number, own, same, types, unresolved } from "./schema.js";
import { check } from "./check.js";
import { example } from "./pattern.js";

const DEEP = 12, MANY = 100, LONG = 10000, NODES = 2000;

// sample(schema, resolve) keeps to the rules where that is possible, holds one of each optional member, and ends where the schema goes
// round. Binary is a Uint8Array.
export function sample(schema, resolve = unresolved) {
	return make(schema, { resolve, left: NODES, name: "", n: 0, within: [] }, 0);
}

const texts = { name: "Ann", room: "lobby", text: "Hello!", message: "Hello!", title: "A title", id: "id-1", email: "ann@example.com", url: "https://example.com/", code: "code", color: "#2a7ab0", colour: "#2a7ab0", user: "ann", city: "Berlin" };
const formatted = {
	"date-time": "2026-01-31T12:00:00Z", date: "2026-01-31", time: "12:00:00Z", email: "ann@example.com", uri: "https://example.com/", "uri-reference": "/path", hostname: "example.com", ipv4: "192.0.2.1", ipv6: "2001:db8::1", uuid: "3f2b8c1e-5d4a-4c6b-9e7f-0a1b2c3d4e5f", regex: "^a+$", "json-pointer": "/a/0",
};

// w holds what goes down with it: how many values may still be made, the member's name, which of several (n), and the references it is in.
function make(schema, w, depth) {
	if (--w.left < 0) return null;
	const ref = own(schema, "$ref");
	const again = typeof ref === "string" && w.within.includes(ref);
	const inner = typeof ref === "string" ? { ...w, within: [...w.within, ref] } : w;
	const whole = flat(schema, w.resolve);
	const value = depth > DEEP || again ? ended(whole, w.resolve) : one(whole, inner, depth);
	w.left = Math.min(w.left, inner.left);
	return value;
}

// What is shortest, where a schema goes round.
function ended(schema, resolve) {
	if (allows(schema, "null", resolve)) return null;
	switch (types(schema)[0]) {
		case "array": return [];
		case "object": return {};
		case "string": return isBytes(schema) ? new Uint8Array() : "";
		case "boolean": return true;
		case "integer": case "number": return 0;
	}
	return null;
}

const allows = (schema, type, resolve) => types(schema).includes(type) || ["anyOf", "oneOf"].some((word) => list(own(schema, word)).some((branch) => types(resolve(branch)).includes(type)));

function one(schema, w, depth) {
	const right = (value) => check(schema, value, w.resolve).length === 0;
	for (const given of [own(schema, "const"), w.n === 0 ? own(schema, "default") : undefined, ...(w.n === 0 ? list(own(schema, "examples")).slice(0, 3) : [])]) {
		if (given !== undefined && !isBytes(schema) && right(given)) return given;
	}
	if (Array.isArray(own(schema, "enum"))) {
		const values = schema.enum.slice(0, 1000).filter(right);
		const filled = values.filter((value) => value !== null && value !== "");
		const from = filled.length > 0 ? filled : values;
		return from.length > 0 ? from[w.n % from.length] : (schema.enum[0] ?? null);
	}
	const branches = [...list(own(schema, "anyOf")), ...list(own(schema, "oneOf"))].slice(0, 50);
	if (branches.length > 0) {
		const { anyOf, oneOf, ...rest } = schema;
		const rank = (branch) => {
			const whole = w.resolve(branch);
			return types(whole).join() === "null" || list(own(whole, "enum")).includes(null) ? 2 : String(own(branch, "$ref")).includes("/Failure/") ? 1 : 0;
		};
		let last;
		for (const branch of [...branches].sort((a, b) => rank(a) - rank(b))) {
			const named = typeof own(branch, "$ref") === "string" && w.within.includes(branch.$ref);
			if (named && branches.length > 1) continue;
			const inner = typeof own(branch, "$ref") === "string" ? { ...w, within: [...w.within, branch.$ref] } : w;
			const value = depth > DEEP ? ended(schema, w.resolve) : one(both(rest, flat(branch, w.resolve)), inner, depth + 1);
			w.left = Math.min(w.left, inner.left);
			if (right(value)) return value;
			last ??= value;
			if (w.left < 0) break;
		}
		return last ?? null;
	}
	switch (types(schema).find((type) => type !== "null") ?? types(schema)[0] ?? implied(schema)) {
		case "string": return isBytes(schema) ? new TextEncoder().encode("Hello") : text(schema, w);
		case "integer": return numeral(schema, w, true);
		case "number": return numeral(schema, w, false);
		case "boolean": return ![true, false].some((value) => same(own(w.resolve(own(schema, "not")), "const"), value) && value) && w.n % 2 === 0;
		case "array": return items(schema, w, depth);
		case "object": return object(schema, w, depth);
		case "null": return null;
	}
	return right("text") ? "text" : null;
}

// The type of a schema that names none, by the rules it has.
function implied(schema) {
	const has = (...words) => words.some((word) => own(schema, word) !== undefined);
	if (isBytes(schema) && has("format", "contentMediaType")) return "string";
	if (has("properties", "required", "additionalProperties", "minProperties", "patternProperties")) return "object";
	if (has("items", "prefixItems", "minItems", "maxItems", "uniqueItems")) return "array";
	if (has("minLength", "maxLength", "pattern", "format")) return "string";
	if (has("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")) return "number";
	return undefined;
}

function text(schema, w) {
	const least = Math.min(count(own(schema, "minLength")) ?? 0, LONG), most = count(own(schema, "maxLength")) ?? Infinity;
	const right = (value) => check({ ...schema, type: "string" }, value, w.resolve).length === 0;
	const more = w.n > 0 ? ` ${w.n + 1}` : "";
	const tries = [
		own(formatted, own(schema, "format")),
		own(schema, "pattern") !== undefined ? example(schema.pattern, least) : undefined,
		(own(texts, w.name) ?? "text") + more, "text" + more, "t" + (w.n || ""), String(w.n + 1), "T" + (w.n || ""),
	].filter((value) => value !== undefined);
	for (const value of tries) {
		const letters = Array.from(value);
		let fitted = value;
		if (letters.length > most) fitted = letters.slice(letters.length - most).join(""); // the end is where they differ
		if (letters.length < least) fitted = value.padEnd(least, value === "" ? "t" : "text ");
		if (right(value)) return value;
		if (right(fitted)) return fitted;
	}
	return tries[0] ?? "";
}

function numeral(schema, w, whole) {
	const step = number(own(schema, "multipleOf")) > 0 ? schema.multipleOf : whole ? 1 : undefined;
	const least = Math.max(number(own(schema, "minimum")) ?? -Infinity, (number(own(schema, "exclusiveMinimum")) ?? -Infinity) + (step ?? 0));
	const most = Math.min(number(own(schema, "maximum")) ?? Infinity, (number(own(schema, "exclusiveMaximum")) ?? Infinity) - (step ?? 0));
	const right = (value) => check(schema, value, w.resolve).length === 0;
	const unit = step ?? 1;
	const low = Number.isFinite(least) ? Math.ceil(least / unit) * unit : undefined, high = Number.isFinite(most) ? Math.floor(most / unit) * unit : undefined;
	const middle = Number.isFinite(least) && Number.isFinite(most) ? (least + most) / 2 : undefined;
	const tries = [unit + w.n * unit, low !== undefined ? low + w.n * unit : undefined, high !== undefined ? high - w.n * unit : undefined, 0, -unit, low, high, middle, least, most, least + Math.abs(least) * 1e-9 + 1e-9, most - Math.abs(most) * 1e-9 - 1e-9, low + unit, high - unit];
	return tries.find((value) => Number.isFinite(value) && right(value)) ?? 0;
}

function items(schema, w, depth) {
	const first = list(own(schema, "prefixItems")).slice(0, MANY);
	const least = Math.min(count(own(schema, "minItems")) ?? 0, MANY), most = count(own(schema, "maxItems")) ?? Infinity;
	const rest = own(schema, "items") ?? own(schema, "contains");
	const ref = own(rest, "$ref");
	const round = rest === false || depth >= DEEP || (typeof ref === "string" && w.within.includes(ref)) || list(own(rest, "anyOf")).some((branch) => typeof own(branch, "$ref") === "string" && w.within.includes(branch.$ref));
	const length = Math.min(Math.max(least, first.length, rest === undefined || round ? 0 : first.length + 1), Math.max(most, least));
	const out = [];
	for (let i = 0; i < length && w.left > 0; i++) {
		const inner = { ...w, name: w.name.replace(/s$/, ""), n: own(schema, "uniqueItems") === true ? i : 0 };
		out.push(make(i < first.length ? first[i] : (rest ?? {}), inner, depth + 1));
		w.left = inner.left;
	}
	return out;
}

function object(schema, w, depth) {
	const needed = list(own(schema, "required")).filter((name) => typeof name === "string").slice(0, MANY);
	const known = new Map(members(own(schema, "properties")).slice(0, 300));
	for (const name of needed) if (!known.has(name)) known.set(name, own(schema, "additionalProperties") ?? {});
	const entries = [];
	const add = (name, part, n = 0) => {
		const inner = { ...w, name, n };
		entries.push([name, make(part, inner, depth + 1)]);
		w.left = inner.left;
	};
	for (const [name, part] of known) {
		const round = typeof own(part, "$ref") === "string" && w.within.includes(part.$ref);
		if (needed.includes(name) || (!round && depth < DEEP / 2 && part !== false && w.left > 0)) add(name, part);
	}
	const least = Math.min(count(own(schema, "minProperties")) ?? 0, MANY), more = own(schema, "additionalProperties");
	const wanted = Math.max(least, typeof more === "object" && known.size === 0 && depth < DEEP / 2 && count(own(schema, "maxProperties")) !== 0 ? 1 : 0);
	for (let n = 1; entries.length < wanted && more !== false && w.left > 0; n++) {
		const names = own(schema, "propertyNames");
		const name = names === undefined ? `key${n}` : String(make(names, { ...w, name: "", n: n - 1 }, depth + 1));
		if (!known.has(name) && !entries.some(([taken]) => taken === name)) add(name, typeof more === "object" ? more : {}, n - 1);
		else if (n > MANY) break;
	}
	return Object.fromEntries(entries);
}
