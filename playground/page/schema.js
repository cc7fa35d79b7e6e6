// JSON Schema as the other parts read it: what a reference leads to, and a schema with all that holds at once in one object. Descriptions
// come from anybody: nothing here throws, loops or grows without bound, whatever they hold.

const annotations = new Set(["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"]);

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !isBinary(value);
export const isBinary = (value) => value instanceof Uint8Array || value instanceof ArrayBuffer;
export const own = (object, key) => (typeof object === "object" && object !== null && Object.hasOwn(object, key) ? object[key] : undefined);
export const list = (value) => (Array.isArray(value) ? value : []);
export const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : undefined);
export const count = (value) => (Number.isSafeInteger(value) && value >= 0 ? value : undefined);

// Members of an object as [name, value]; {} for anything that is none.
export const members = (value) => (isObject(value) ? Object.entries(value) : []);

// Where in a value something is, as one would write it: people[0].name
export const at = (path, key) => path + (typeof key === "number" ? `[${key}]` : /^[A-Za-z_$][\w$]*$/.test(key) ? (path ? "." : "") + key : `[${JSON.stringify(key)}]`);

// What a local reference leads to within a document, undefined if nowhere.
export function pointed(document, ref) {
	if (typeof ref !== "string" || !ref.startsWith("#") || ref.length > 1000) return undefined;
	let found = document, fragment = ref.slice(1);
	try {
		fragment = decodeURIComponent(fragment);
	} catch { /* no percent-encoding: as it stands */ }
	for (const part of fragment.split("/").slice(1)) {
		const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
		found = Array.isArray(found) ? (/^\d{1,6}$/.test(key) ? found[Number(key)] : undefined) : own(found, key);
	}
	return found;
}

// Follows references to what they lead to: {found, last} or {fault: "lostRef" or "cycle", ref}. last is the reference that led there.
export function followed(document, value) {
	let last;
	for (let hops = 0; typeof own(value, "$ref") === "string"; hops++) {
		last = value.$ref;
		if (hops === 20) return { fault: "cycle", ref: last };
		value = pointed(document, last);
		if (value === undefined) return { fault: "lostRef", ref: last };
	}
	return { found: value, last };
}

// What holds a schema in AsyncAPI: itself, or an object that also names its format.
export const bare = (value) => (own(value, "schemaFormat") !== undefined && own(value, "schema") !== undefined ? value.schema : value);

// resolver(document)(schema) is the schema without a reference: what it refers to, together with what stands beside the reference. Anything
// that is no schema, or leads nowhere, is {}: everything satisfies it.
export function resolver(document) {
	const known = new WeakMap();
	const resolve = (schema, hops = 0) => {
		if (schema === true) return {};
		if (schema === false) return { not: {} };
		if (!isObject(schema)) return {};
		schema = bare(schema);
		if (!isObject(schema)) return resolve(schema === false ? false : {});
		if (typeof own(schema, "$ref") !== "string") return schema;
		if (known.has(schema)) return known.get(schema);
		const target = hops < 20 ? resolve(pointed(document, schema.$ref), hops + 1) : {};
		const { $ref, ...beside } = schema;
		const clash = Object.keys(beside).some((key) => Object.hasOwn(target, key) && !annotations.has(key) && !key.startsWith("x-"));
		const result = clash ? { ...beside, allOf: [...list(beside.allOf), target] } : { ...target, ...beside };
		known.set(schema, result);
		return result;
	};
	return (schema) => resolve(schema);
}

export const unresolved = resolver({});

// flat(schema, resolve) is a schema with its references and allOf put into one object, for those who make something of it. Where two
// rules cannot be put into one, the first is kept: check holds to all of them.
export function flat(schema, resolve, depth = 0) {
	const whole = resolve(schema);
	const parts = list(own(whole, "allOf"));
	if (parts.length === 0 || depth > 8) return whole;
	let { allOf, ...out } = whole;
	for (const part of parts.slice(0, 50)) out = both(out, flat(part, resolve, depth + 1));
	return out;
}

const larger = new Set(["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"]);
const smaller = new Set(["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"]);

// Of two schemas that both hold, one.
export function both(a, b) {
	const out = { ...a };
	for (const [key, value] of members(b)) {
		const mine = own(out, key);
		if (key === "__proto__") continue; // no rule, and assigning it is more than that
		if (mine === undefined) out[key] = value;
		else if (larger.has(key)) out[key] = Math.max(number(mine) ?? -Infinity, number(value) ?? -Infinity);
		else if (smaller.has(key)) out[key] = Math.min(number(mine) ?? Infinity, number(value) ?? Infinity);
		else if (key === "required") out[key] = [...new Set([...list(mine), ...list(value)])];
		else if (key === "properties") out[key] = Object.fromEntries([...members(mine), ...members(value).filter(([name]) => own(mine, name) === undefined)]);
		else if (key === "enum") out[key] = list(mine).filter((one) => list(value).some((other) => same(one, other)));
		else if (key === "type") out[key] = types(a).filter((one) => types(b).includes(one) || (one === "integer" && types(b).includes("number")));
	}
	return out;
}

// The types that a schema names, [] if it names none.
export const types = (schema) => (typeof own(schema, "type") === "string" ? [schema.type] : list(own(schema, "type")).filter((one) => typeof one === "string").slice(0, 7));

// What a schema lets a value be, in so far as it has forms: [] if it has one only. A branch that only restricts what stands beside it is
// none.
export function forms(schema, resolve) {
	const branches = [...list(own(schema, "anyOf")), ...list(own(schema, "oneOf"))].slice(0, 50);
	if (branches.length === 0 || types(schema).length > 0 || own(schema, "properties") !== undefined) return [];
	return branches;
}

export const isBytes = (schema) => (own(schema, "format") === "binary" || own(schema, "contentMediaType") === "application/octet-stream") && own(schema, "contentEncoding") === undefined && (types(schema).length === 0 || types(schema).includes("string"));

// Whether two values are the same as JSON has it; deep ones and large ones are compared to a bound.
export function same(a, b, depth = 0) {
	if (a === b) return true;
	if (depth > 50 || typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
	if (isBinary(a) || isBinary(b)) return isBinary(a) && isBinary(b) && String(new Uint8Array(a)) === String(new Uint8Array(b));
	if (Array.isArray(a)) return a.length === b.length && a.every((one, i) => same(one, b[i], depth + 1));
	const names = Object.keys(a);
	return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name], depth + 1));
}
