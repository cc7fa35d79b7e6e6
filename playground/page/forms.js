// A form for a value of a schema: what stands in it is the value, checked at each change, and what is wrong is said beside the field.
// Schemas come from anybody: text only ever becomes text, and what is too deep or too much for fields is written as JSON.

import { at, both, count, flat, forms as branchesOf, isBinary, isBytes, isObject, list, members, own, same, types, unresolved } from "./schema.js";
import { check } from "./check.js";
import { sample } from "./sample.js";
import { say, short } from "./said.js";

const DEEP = 10, FIELDS = 400, ITEMS = 100, MEMBERS = 100, FILE = 16 << 20, SHOWN = 4096;

let serial = 0;

// form(schema, value, resolve, onchange, name) is {element, value(), faults(), focusFirst(), focusFault()}. onchange(value, faults) is called
// at each change; name is what stands above the form, if anything. The value is undefined while a field has something in it that is
// no value at all, a broken number for one: then there are faults.
export function form(schema, value, resolve = unresolved, onchange = () => {}, name = "") {
	const c = { resolve, left: FIELDS, changed: () => { judge(); onchange(now(), found); } };
	const root = widget(c, schema, value, { name: name || say("value"), quiet: !name, depth: 0 });
	const element = el("div.form.stack", {}, root.element);
	let found = [];
	const now = () => root.get();
	const judge = () => {
		const own = [];
		root.broken(own, "");
		found = [...own, ...check(schema, now(), resolve).filter((fault) => !own.some((one) => one.path === fault.path))];
		root.mark(found, "");
	};
	judge();
	return {
		element, value: now, faults: () => found,
		focusFirst: () => void first(element)?.focus(),
		focusFault: () => void element.querySelector('[aria-invalid="true"]:not(fieldset)')?.focus(),
	};
}

const first = (node) => [...node.querySelectorAll("input, select, textarea, button")].find((one) => !one.disabled && !one.closest("[hidden]"));

function el(spec, props = {}, ...children) {
	const [tag, ...classes] = spec.split(".");
	const node = document.createElement(tag);
	if (classes.length) node.className = classes.join(" ");
	for (const [key, value] of Object.entries(props)) {
		if (value === undefined || value === false) continue;
		if (key in node) node[key] = value;
		else node.setAttribute(key, value === true ? "" : value);
	}
	node.append(...children.filter((child) => child !== undefined && child !== false && child !== ""));
	return node;
}

// What others have written, apart from our words in the direction it is written in.
const apart = (text) => el("bdi", {}, String(text));

// A widget is {element, get(), broken(faults, path), mark(faults, path)}: its value; what in it is no value, added to faults; and showing
// those of the faults that are its own, or of its parts, which it returns.
function widget(c, schema, value, { name, quiet = false, depth, doc }) {
	const whole = flat(schema, c.resolve);
	const w = { name, quiet, doc: doc ?? text(own(whole, "description")), depth };
	if (--c.left < 0 || depth > DEEP) return jsonField(c, value, { ...w, doc: [w.doc, say("deepForm")].filter(Boolean).join(" ") });
	if (own(whole, "const") !== undefined) return enumField(c, [whole.const], value, w);
	if (Array.isArray(own(whole, "enum")) && whole.enum.length > 0 && whole.enum.length <= 1000) return enumField(c, whole.enum, value, w);
	const branches = branchesOf(whole, c.resolve);
	if (branches.length === 1) return widget(c, both(withoutForms(whole), flat(branches[0], c.resolve)), value, { name, quiet, depth: depth + 1, doc: w.doc });
	if (branches.length > 1) return choice(c, branches.map((branch, i) => ({ label: label(branch, i, c.resolve), schema: both(withoutForms(whole), flat(branch, c.resolve)) })), value, w);
	const named = types(whole);
	if (named.length > 1) return choice(c, named.map((type) => ({ label: isBytes(whole) && type === "string" ? say("t.binary") : say("t." + type), schema: { ...whole, type } })), value, w);
	switch (named[0] ?? (own(whole, "properties") !== undefined ? "object" : isBytes(whole) ? "string" : own(whole, "items") !== undefined || own(whole, "prefixItems") !== undefined ? "array" : undefined)) {
		case "object": return count(members(own(whole, "properties")).length) > MEMBERS ? jsonField(c, value, w) : objectField(c, whole, value, w);
		case "array": return Array.isArray(value) && value.length > ITEMS ? jsonField(c, value, w) : listField(c, whole, value, w);
		case "string": return isBytes(whole) ? bytesField(c, value, w) : textField(c, whole, value, w);
		case "integer": case "number": return numberField(c, whole, value, w);
		case "boolean": return booleanField(c, value, w);
		case "null": return nullField(c, w);
	}
	return choice(c, [{ label: say("json"), make: (v, inner) => jsonField(c, isBinary(v) ? null : v, inner) }, { label: say("t.binary"), make: (v, inner) => bytesField(c, isBinary(v) ? v : new Uint8Array(), inner), takes: isBinary }], value, w);
}

const text = (value) => (typeof value === "string" ? value.slice(0, 2000) : "");

function withoutForms(schema) {
	const { anyOf, oneOf, ...rest } = schema;
	return rest;
}

function label(branch, i, resolve) {
	const whole = resolve(branch), ref = /\/schemas\/([^/]+)/.exec(String(own(branch, "$ref") ?? ""))?.[1].replace(/\.heard$/, "");
	const type = types(whole).join();
	if (typeof own(whole, "title") === "string" && whole.title) return short(whole.title, 60);
	if (ref) return short(ref, 60);
	if (own(whole, "const") !== undefined) return short(whole.const, 60);
	return type && !type.includes(",") ? say("t." + type) : say("choice", { n: i + 1 });
}

// The parts that all widgets of one control have: its label, what is to be known about it, and what is wrong.
function field(control, w, ...beside) {
	const id = `field-${++serial}`;
	control.id = id;
	const hint = w.doc ? el("p.hint", { id: id + "-hint" }, apart(w.doc)) : undefined;
	const problem = el("p.problem", { id: id + "-problem", hidden: true });
	control.setAttribute("aria-describedby", [hint?.id, problem.id].filter(Boolean).join(" "));
	const title = el(w.quiet ? "label.sr" : "label", { htmlFor: id }, apart(w.name));
	return { element: el("div.field", {}, title, control, ...beside, hint, problem), mark: marker(control, problem), title };
}

const within = (path, fault) => path === "" || fault.path === path || fault.path.startsWith(path + ".") || fault.path.startsWith(path + "[");

// marker says what is wrong with a control: all faults at its path, and below it.
const marker = (control, problem) => (faults, path) => {
	const mine = faults.filter((fault) => within(path, fault));
	complain(control, problem, mine.map((fault) => (fault.path === path ? fault.text : `${fault.path.slice(path.length).replace(/^\./, "")}: ${fault.text}`)));
	return mine;
};

function complain(control, problem, texts) {
	problem.textContent = texts.slice(0, 3).join(" · ");
	problem.hidden = texts.length === 0;
	if (texts.length > 0) control.setAttribute("aria-invalid", "true");
	else control.removeAttribute("aria-invalid");
}

const never = () => {}; // a widget in which there is always a value

function enumField(c, values, value, w) {
	const all = values.some((one) => same(one, value)) ? values : [value, ...values].filter((one) => one !== undefined);
	const select = el("select", { onchange: c.changed }, ...all.map((one, i) => el("option", { value: String(i), dir: "auto" }, short(one === "" ? '""' : one, 100))));
	select.selectedIndex = Math.max(0, all.findIndex((one) => same(one, value)));
	return { ...field(select, w), get: () => all[select.selectedIndex], broken: never };
}

function booleanField(c, value, w) {
	const box = el("input", { type: "checkbox", checked: value === true, onchange: c.changed });
	const made = field(box, { ...w, quiet: false });
	made.title.className = "check";
	made.title.replaceChildren(box, apart(w.quiet ? "true" : w.name));
	if (w.quiet) box.ariaLabel = `${w.name}: true`;
	return { element: made.element, mark: made.mark, get: () => box.checked, broken: never };
}

function nullField(c, w) {
	const output = el("output.code", {}, "null");
	return { ...field(output, w), get: () => null, broken: never };
}

function numberField(c, schema, value, w) {
	const input = el("input.code", { type: "number", step: "any", inputMode: "decimal", oninput: c.changed });
	for (const [key, attribute] of [["minimum", "min"], ["maximum", "max"]]) if (Number.isFinite(own(schema, key))) input.setAttribute(attribute, schema[key]);
	if (typeof value === "number") input.value = String(value);
	const wrong = () => input.validity.badInput;
	return { ...field(input, w), get: () => (input.value === "" ? undefined : Number(input.value)), broken: (faults, path) => { if (wrong()) faults.push({ path, rule: "type", text: say("number") }); } };
}

const moments = { "date-time": "datetime-local", date: "date" };

function textField(c, schema, value, w) {
	const format = own(schema, "format");
	if (Object.hasOwn(moments, format) && (value === undefined || !Number.isNaN(Date.parse(value)))) return momentField(c, format, value, w);
	const oneLine = ["email", "uri", "url", "hostname", "ipv4", "ipv6", "uuid", "time", "date", "date-time"].includes(format);
	const grow = () => { area.rows = Math.min(8, area.value.split("\n").length); };
	const area = el(oneLine ? "input" : "textarea", { spellcheck: false, autocomplete: "off", oninput: () => { if (!oneLine) grow(); c.changed(); } });
	if (oneLine) Object.assign(area, { type: "text", inputMode: { email: "email", uri: "url", url: "url" }[format] ?? "text" });
	area.value = typeof value === "string" ? value : "";
	if (!oneLine) grow();
	return { ...field(area, w), get: () => area.value, broken: never };
}

// Dates as the browser asks for them, in the reader's time; until one is chosen the text stays as it came.
function momentField(c, format, value, w) {
	let kept = value;
	const local = (date) => new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 23);
	const show = () => { input.value = kept === undefined ? "" : format === "date" ? kept : local(new Date(kept)); };
	const input = el("input", { type: moments[format], step: format === "date" ? "1" : "0.001", oninput: () => {
		kept = input.value === "" ? undefined : format === "date" ? input.value : new Date(input.value).toISOString();
		c.changed();
	} });
	show();
	const now = el("button.slim", { type: "button", onclick: () => {
		kept = format === "date" ? local(new Date()).slice(0, 10) : new Date().toISOString();
		show();
		c.changed();
	} }, say("now"));
	return { ...field(input, w, now), get: () => kept, broken: never };
}

function jsonField(c, value, w) {
	let kept = value, why = "";
	const area = el("textarea.code", { spellcheck: false, oninput: () => {
		area.rows = Math.min(12, area.value.split("\n").length);
		try {
			kept = JSON.parse(area.value);
			why = "";
		} catch (err) {
			kept = undefined;
			why = say("badJSON", { why: err.message });
		}
		c.changed();
	} });
	try {
		area.value = JSON.stringify(value, null, 2) ?? "null";
	} catch {
		area.value = "null";
	}
	kept ??= null;
	area.rows = Math.min(12, area.value.split("\n").length);
	return { ...field(area, w), get: () => kept, broken: (faults, path) => { if (why) faults.push({ path, rule: "type", text: why }); } };
}

const asHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

function bytesField(c, value, w) {
	let bytes = isBinary(value) ? new Uint8Array(value) : new Uint8Array(), why = "";
	const how = el("select", { ariaLabel: say("kind", { name: w.name }), onchange: () => { show(); c.changed(); } }, ...["hex", "text", "file"].map((kind) => el("option", { value: kind }, say(kind))));
	const area = el("textarea.code", { spellcheck: false, rows: 2, oninput: () => {
		why = "";
		if (how.value === "text") bytes = new TextEncoder().encode(area.value);
		else {
			const digits = area.value.replace(/[\s,:]|0x/gi, "");
			if (/^([0-9a-f]{2})*$/i.test(digits)) bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
			else why = say("notHex");
		}
		told();
		c.changed();
	} });
	const file = el("input", { type: "file", ariaLabel: w.name, onchange: async () => {
		const chosen = file.files[0];
		if (!chosen) return;
		why = chosen.size > FILE ? say("fileTooLarge", { n: FILE >> 20 }) : "";
		if (!why) bytes = new Uint8Array(await chosen.arrayBuffer().catch((err) => { why = err.message; return new ArrayBuffer(); }));
		told();
		c.changed();
	} });
	const size = el("span.hint", {});
	const told = () => { size.textContent = say("bytes", { n: bytes.length }); };
	const made = field(area, w, el("div.row.tight", {}, how, size), file);
	file.setAttribute("aria-describedby", area.getAttribute("aria-describedby"));
	const show = () => {
		why = "";
		const long = bytes.length > SHOWN;
		area.hidden = how.value === "file";
		file.hidden = !area.hidden;
		area.value = long ? "" : how.value === "text" ? new TextDecoder().decode(bytes) : asHex(bytes);
		told();
	};
	show();
	return { element: made.element, mark: made.mark, get: () => (why ? undefined : bytes), broken: (faults, path) => { if (why) faults.push({ path, rule: "type", text: why }); } };
}

// One of several forms. Each is {label, schema}, or {label, make, takes} for what is no schema's.
function choice(c, options, value, w) {
	const fits = ({ schema, takes }) => (takes ? takes(value) : schema && check(schema, value, c.resolve).length === 0);
	const near = ({ schema }) => schema && !check(schema, value, c.resolve).some(({ path, rule }) => path === "" && rule !== "required");
	const at = (test) => options.findIndex(test);
	const select = el("select", { onchange: () => { c.left = FIELDS; show(undefined); c.changed(); } }, ...options.map((option, i) => el("option", { value: String(i), dir: "auto" }, option.label)));
	const [found, close] = [at(fits), at(near)];
	select.selectedIndex = value === undefined ? 0 : Math.max(0, found >= 0 ? found : close);
	const made = field(select, w);
	const place = el("div.chosen", {});
	made.element.append(place);
	let inner;
	const show = (given) => {
		const { schema, make, label: name } = options[select.selectedIndex];
		if (make) inner = make(given, { name, quiet: true, depth: w.depth + 1, doc: "" });
		else if (types(schema).join() === "null") inner = { get: () => null, broken: never, mark: () => [], element: undefined };
		else inner = widget(c, schema, given === undefined ? sample(schema, c.resolve) : given, { name, quiet: true, depth: w.depth + 1 });
		place.replaceChildren(...(inner.element ? [inner.element] : []));
	};
	show(value);
	return {
		element: made.element, get: () => inner.get(), broken: (faults, path) => inner.broken(faults, path),
		mark(faults, path) {
			const taken = inner.mark(faults, path);
			made.mark(faults.filter((fault) => !taken.includes(fault)), path);
			return faults.filter((fault) => within(path, fault));
		},
	};
}

// A group of fields: its title, what is to be known about it, and what is wrong with all of it together.
function group(w, ...children) {
	const id = `group-${++serial}`;
	const hint = w.doc ? el("p.hint", { id: id + "-hint" }, apart(w.doc)) : undefined;
	const problem = el("p.problem", { id: id + "-problem", hidden: true });
	const element = el("fieldset.stack", { "aria-describedby": [hint?.id, problem.id].filter(Boolean).join(" ") }, el(w.quiet ? "legend.sr" : "legend.label", {}, apart(w.name)), hint, ...children, problem);
	const rest = marker(element, problem);
	// parts is each part with its path.
	const mark = (parts) => (faults, path) => {
		const taken = parts(path).flatMap(([part, where]) => part.mark(faults, where));
		return [...taken, ...rest(faults.filter((fault) => !taken.includes(fault)), path)];
	};
	return { element, mark };
}

function objectField(c, schema, value, w) {
	const given = isObject(value) ? value : {};
	const needed = list(own(schema, "required"));
	const known = new Map(members(own(schema, "properties")));
	const more = own(schema, "additionalProperties");
	for (const name of needed.slice(0, MEMBERS)) if (typeof name === "string" && !known.has(name)) known.set(name, isObject(more) ? more : {});
	const parts = [...known].map(([name, part]) => {
		const here = Object.hasOwn(given, name) && given[name] !== undefined;
		return [name, needed.includes(name) ? widget(c, part, here ? given[name] : undefined, { name, depth: w.depth + 1 }) : optional(c, part, here ? given[name] : undefined, { name, depth: w.depth + 1 })];
	});
	const others = Object.entries(given).filter(([name]) => !known.has(name));
	const map = isObject(more) || (others.length > 0 && more !== false) || (known.size === 0 && more !== false) ? mapField(c, isObject(more) ? more : {}, others.slice(0, ITEMS), w, [...known.keys()]) : undefined;
	const kept = map ? [] : others; // forbidden, and said so
	const made = group(w, ...parts.map(([, part]) => part.element), ...(map ? [map.element] : []));
	const all = (path) => [...parts.map(([name, part]) => [part, at(path, name)]), ...(map ? map.parts(path) : [])];
	return {
		element: made.element, mark: made.mark(all),
		get: () => Object.fromEntries([...parts.map(([name, part]) => [name, part.get()]), ...kept, ...(map ? map.entries() : [])].filter(([, one]) => one !== undefined)),
		broken(faults, path) {
			for (const [part, where] of all(path)) part.broken(faults, where);
		},
	};
}

// A member that may be missing: there while its box is checked.
function optional(c, schema, value, w) {
	const box = el("input", { type: "checkbox", checked: value !== undefined, onchange: () => { c.left = FIELDS; show(); c.changed(); } });
	const place = el("div", {});
	const element = el("div.optional", {}, el("label.check", {}, box, apart(w.name)), place);
	let inner;
	const show = () => {
		if (box.checked && !inner) {
			inner = widget(c, schema, value === undefined ? sample(schema, c.resolve) : value, { ...w, quiet: true });
			place.append(inner.element);
		}
		place.hidden = !box.checked;
	};
	show();
	return { element, get: () => (box.checked ? inner.get() : undefined), broken: (faults, path) => { if (box.checked) inner.broken(faults, path); }, mark: (faults, path) => (box.checked ? inner.mark(faults, path) : []) };
}

function removeButton(name, act) {
	return el("button.quiet.slim", { type: "button", ariaLabel: say("remove", { name }), title: say("remove", { name }), onclick: act }, "×");
}

function listField(c, schema, value, w) {
	const prefix = list(own(schema, "prefixItems")), least = count(own(schema, "minItems")) ?? 0, most = Math.min(count(own(schema, "maxItems")) ?? ITEMS, own(schema, "items") === false ? prefix.length : ITEMS);
	const of = (i) => (i < prefix.length ? prefix[i] : own(schema, "items") ?? {});
	const rows = [];
	const ol = el("ol.items", {});
	const put = (given, i = rows.length) => {
		const part = widget(c, of(i), given, { name: itemName(c, of(i), i), depth: w.depth + 1 });
		const row = { part, item: el("li.row", {}, el("div.grow", {}, part.element)) };
		row.button = removeButton(say("item", { n: i + 1 }), () => {
			const at = rows.indexOf(row);
			rows.splice(at, 1);
			row.item.remove();
			tidy();
			c.changed();
			(rows[Math.min(at, rows.length - 1)]?.button ?? add).focus();
		});
		row.item.append(row.button);
		rows.push(row);
		ol.append(row.item);
		return row;
	};
	const add = el("button.slim", { type: "button", ariaLabel: say("addTo", { name: w.name }), onclick: () => {
		c.left = FIELDS;
		const row = put(sample(of(rows.length), c.resolve));
		tidy();
		c.changed();
		first(row.item)?.focus();
	} }, say("add"));
	const tidy = () => {
		add.disabled = rows.length >= most;
		add.hidden = prefix.length > 0 && rows.length >= most;
		rows.forEach(({ button, item }, i) => {
			item.querySelector("label bdi, legend bdi").textContent = itemName(c, of(i), i);
			button.hidden = rows.length <= least || (i < prefix.length && i < rows.length - 1);
			button.ariaLabel = button.title = say("remove", { name: say("item", { n: i + 1 }) });
		});
	};
	for (const one of Array.isArray(value) ? value : []) put(one);
	while (rows.length < Math.min(least, ITEMS)) put(undefined);
	tidy();
	const made = group(w, ol, add);
	const all = (path) => rows.map(({ part }, i) => [part, at(path, i)]);
	return {
		element: made.element, mark: made.mark(all), get: () => rows.map(({ part }) => part.get() ?? null),
		broken(faults, path) {
			for (const [part, where] of all(path)) part.broken(faults, where);
		},
	};
}

function itemName(c, schema, i) {
	const title = own(flat(schema, c.resolve), "title");
	return typeof title === "string" && title ? short(title, 60) : say("item", { n: i + 1 });
}

// Members whose names are anybody's.
function mapField(c, schema, entries, w, taken) {
	const rows = [];
	const ol = el("ol.items", {});
	const put = (key, given) => {
		const part = widget(c, schema, given, { name: say("value"), depth: w.depth + 1 });
		const input = el("input.code", { value: key, spellcheck: false, autocomplete: "off", oninput: c.changed });
		const name = field(input, { name: say("key") });
		const row = { part, input, name, item: el("li.row", {}, el("div.grow", {}, name.element, part.element)) };
		row.button = removeButton(key, () => {
			const at = rows.indexOf(row);
			rows.splice(at, 1);
			row.item.remove();
			c.changed();
			(rows[Math.min(at, rows.length - 1)]?.button ?? add).focus();
		});
		row.item.append(row.button);
		rows.push(row);
		ol.append(row.item);
		return row;
	};
	const add = el("button.slim", { type: "button", ariaLabel: say("addTo", { name: w.name }), onclick: () => {
		if (rows.length >= ITEMS) return;
		c.left = FIELDS;
		let n = rows.length + 1;
		while (taken.includes(`key${n}`) || rows.some(({ input }) => input.value === `key${n}`)) n++;
		put(`key${n}`, sample(schema, c.resolve)).input.select();
		c.changed();
		rows.at(-1).input.focus();
	} }, say("add"));
	for (const [key, given] of entries) put(key, given);
	const twice = (row) => taken.includes(row.input.value) || rows.some((other) => other !== row && other.input.value === row.input.value);
	return {
		element: el("div.stack", {}, ol, add), entries: () => rows.map(({ input, part }) => [input.value, part.get()]),
		parts: (path) => rows.map((row) => [{
			mark: (faults, where) => {
				complain(row.input, row.name.element.querySelector(".problem"), twice(row) ? [say("twice")] : []);
				return row.part.mark(faults, where);
			},
			broken: (faults, where) => {
				if (twice(row)) faults.push({ path: where, rule: "uniqueItems", text: say("twice") });
				row.part.broken(faults, where);
			},
		}, at(path, row.input.value)]),
	};
}
