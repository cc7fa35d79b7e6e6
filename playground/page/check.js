// Whether a value keeps to a schema, in the rule's words. It is a help for who writes the value: the server validates as before. JSON
// Schema 2020-12 as sockeye-events writes it, and what others write most.

import { at, count, isBinary, isBytes, isObject, list, members, number, own, same, types, unresolved } from "./schema.js";
import { matches } from "./pattern.js";
import { say, short } from "./said.js";

const MOST = 100; // faults that are listed

// check(schema, value, resolve) is a list of {path, rule, text}: where ("" is the value itself), the schema's keyword, and a sentence.
export function check(schema, value, resolve = unresolved) {
	const faults = [];
	const work = { left: 50000 };
	judge(schema, value, "", resolve, faults, work, 0);
	return faults;
}

const formats = {
	"date-time": (text) => /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)$/.test(text) && day(text.slice(0, 10)) && hour(text.slice(11)),
	date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && day(text),
	time: (text) => /^\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)$/.test(text) && hour(text),
	email: (text) => text.length <= 320 && /^[^\s@"(),:;<>[\]\\]{1,64}@[^\s@.]+(\.[^\s@.]+)*$/.test(text) && !/^\.|\.\.|\.@/.test(text),
	uri: (text) => /^[A-Za-z][A-Za-z0-9+.-]*:[^\s"<>\\^`{|}]+$/.test(text) && !/%(?![0-9A-Fa-f]{2})/.test(text),
	hostname: (text) => text.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/.test(text),
	ipv4: (text) => /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/.test(text),
	ipv6: (text) => text.length < 46 && /^[0-9A-Fa-f:.]+$/.test(text) && text.includes(":") && URL.canParse(`http://[${text}]/`),
	uuid: (text) => /^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/.test(text),
};

function day(text) {
	const [year, month, date] = text.split("-").map(Number);
	return month >= 1 && month <= 12 && date >= 1 && date <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function hour(text) {
	const [hours, minutes, seconds] = text.split(":").map((part) => parseInt(part, 10));
	return hours < 24 && minutes < 60 && seconds < 61;
}

export const kind = (value) => (value === null ? "null" : isBinary(value) ? "binary" : Array.isArray(value) ? "array" : typeof value);

const fits = (value, type) => (type === "integer" ? Number.isInteger(value) : kind(value) === type && !(type === "number" && !Number.isFinite(value)));

function judge(schema, value, path, resolve, faults, work, depth) {
	if (schema === true || faults.length >= MOST || --work.left < 0) return;
	const fault = (rule, key = rule, values) => void (faults.length < MOST && faults.push({ path, rule, text: say(key, values) }));
	if (schema === false) return fault("false", "never");
	if (depth > 60) return fault("depth", "deep");
	schema = resolve(schema);
	const rule = (key) => own(schema, key);
	const inside = (branch, found) => judge(branch, value, path, resolve, found, work, depth + 1);
	const wrong = (branch) => {
		const found = [];
		inside(branch, found);
		return found;
	};

	if (rule("const") !== undefined && !same(value, rule("const"))) return fault("const", "const", { value: short(rule("const")) });
	if (Array.isArray(rule("enum")) && !rule("enum").slice(0, 5000).some((one) => same(one, value))) return fault("enum", "enum", { values: rule("enum").slice(0, 12).map((one) => short(one, 40)).join(", ") });
	const named = types(schema);
	if (isBytes(schema)) {
		if (kind(value) !== "binary" && !(value === null && (named.length === 0 || named.includes("null")))) return fault("type", "binary");
	} else if (named.length > 0 && !named.some((type) => fits(value, type))) {
		return fault("type", named.join() === "integer" && typeof value === "number" ? "integer" : "type", { types: named.map((type) => say("t." + type)).join(say("or")) });
	}

	if (rule("not") !== undefined && wrong(rule("not")).length === 0) {
		const constant = own(resolve(rule("not")), "const");
		fault("not", constant === undefined ? "notSo" : "not", { value: short(constant) });
	}
	for (const branch of list(rule("allOf")).slice(0, 100)) inside(branch, faults);
	for (const word of ["anyOf", "oneOf"]) {
		const branches = list(rule(word)).slice(0, 100);
		if (branches.length === 0) continue;
		const found = branches.map(wrong), right = found.filter((one) => one.length === 0).length;
		if (right > 1 && word === "oneOf") fault("oneOf");
		if (right > 0) continue;
		// What the form that is meant lacks says more than that none fits.
		const near = found.filter((faults, i) => {
			const needed = list(own(resolve(branches[i]), "required")).map((name) => at(path, String(name)));
			return !faults.some((one) => (one.path === path ? ["type", "enum", "const"].includes(one.rule) : one.rule === "required" && needed.includes(one.path)));
		});
		if (near.length === 1 || found.length === 1) faults.push(...(near.length === 1 ? near[0] : found[0]).slice(0, MOST - faults.length));
		else fault(word, "anyOf", { texts: [...new Set(found.map((one) => one[0].text))].slice(0, 5).join("; ") });
	}
	if (rule("if") !== undefined) {
		const branch = rule(wrong(rule("if")).length === 0 ? "then" : "else");
		if (branch !== undefined) inside(branch, faults);
	}

	if (typeof value === "number") numbers(rule, value, fault);
	else if (typeof value === "string") texts(rule, value, fault);
	else if (Array.isArray(value)) lists(rule, value, path, resolve, faults, work, depth, fault);
	else if (isObject(value)) objects(rule, value, path, resolve, faults, work, depth, fault);
}

function numbers(rule, value, fault) {
	const holds = { minimum: (n) => value >= n, maximum: (n) => value <= n, exclusiveMinimum: (n) => value > n, exclusiveMaximum: (n) => value < n, multipleOf: (n) => n <= 0 || Math.abs(value / n - Math.round(value / n)) < 1e-9 };
	for (const [key, ok] of Object.entries(holds)) {
		const n = number(rule(key));
		if (n !== undefined && !ok(n)) fault(key, key, { n });
	}
}

function texts(rule, value, fault) {
	const least = count(rule("minLength")), most = count(rule("maxLength"));
	const length = least === undefined && most === undefined ? 0 : Array.from(value).length;
	if (least !== undefined && length < least) fault("minLength", least === 1 ? "filled" : "minLength", { n: least });
	if (most !== undefined && length > most) fault("maxLength", "maxLength", { n: most });
	if (rule("pattern") !== undefined && matches(rule("pattern"), value) === false) fault("pattern", "pattern", { pattern: short(rule("pattern")) });
	const format = own(formats, rule("format"));
	if (format && (value.length > 5000 || !format(value))) fault("format", "format", { format: say("f." + rule("format")) });
}

function lists(rule, value, path, resolve, faults, work, depth, fault) {
	const least = count(rule("minItems")), most = count(rule("maxItems"));
	if (least !== undefined && value.length < least) fault("minItems", "minItems", { n: least });
	if (most !== undefined && value.length > most) fault("maxItems", "maxItems", { n: most });
	const first = list(rule("prefixItems"));
	value.forEach((one, i) => {
		const schema = i < first.length ? first[i] : rule("items");
		if (schema !== undefined) judge(schema, one, at(path, i), resolve, faults, work, depth + 1);
	});
	if (rule("uniqueItems") === true && value.length <= 300 && value.some((one, i) => value.slice(0, i).some((other) => same(one, other)))) fault("uniqueItems");
	if (rule("contains") !== undefined && !value.slice(0, 1000).some((one) => {
		const found = [];
		judge(rule("contains"), one, path, resolve, found, work, depth + 1);
		return found.length === 0;
	})) fault("contains");
}

function objects(rule, value, path, resolve, faults, work, depth, fault) {
	const names = Object.keys(value).filter((name) => value[name] !== undefined); // as JSON leaves it out
	const least = count(rule("minProperties")), most = count(rule("maxProperties"));
	if (least !== undefined && names.length < least) fault("minProperties", "minProperties", { n: least });
	if (most !== undefined && names.length > most) fault("maxProperties", "maxProperties", { n: most });
	for (const name of list(rule("required")).slice(0, 1000)) {
		if (typeof name === "string" && (!Object.hasOwn(value, name) || value[name] === undefined)) faults.length < MOST && faults.push({ path: at(path, name), rule: "required", text: say("required") });
	}
	const patterns = members(rule("patternProperties")).slice(0, 50);
	for (const name of names) {
		const where = at(path, name);
		let listed = false;
		if (own(rule("properties"), name) !== undefined) {
			listed = true;
			judge(rule("properties")[name], value[name], where, resolve, faults, work, depth + 1);
		}
		for (const [pattern, schema] of patterns) {
			const fitting = matches(pattern, name);
			if (fitting === false) continue;
			listed = true;
			if (fitting) judge(schema, value[name], where, resolve, faults, work, depth + 1);
		}
		const more = rule("additionalProperties");
		if (!listed && more === false) faults.length < MOST && faults.push({ path: where, rule: "additionalProperties", text: say("additional") });
		else if (!listed && more !== undefined) judge(more, value[name], where, resolve, faults, work, depth + 1);
		if (rule("propertyNames") !== undefined) {
			const found = [];
			judge(rule("propertyNames"), name, where, resolve, found, work, depth + 1);
			if (found.length > 0) faults.length < MOST && faults.push({ path: where, rule: "propertyNames", text: say("propertyNames") });
		}
	}
}
