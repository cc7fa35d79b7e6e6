// Small helpers for building pages. Text only ever becomes text nodes: nothing here, and nothing on any page, writes HTML.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// el("li.up", { title: "x", onclick: f }, "text", node) makes an element. A property that the element has is set, anything else
// becomes an attribute; undefined and false are left out.
export function el(spec, props = {}, ...children) {
	const [tag, ...classes] = spec.split(".");
	const node = document.createElement(tag || "div");
	if (classes.length) node.className = classes.join(" ");
	for (const [key, value] of Object.entries(props)) {
		if (value === undefined || value === false) continue;
		if (key === "dataset") Object.assign(node.dataset, value);
		else if (key in node && key !== "list") node[key] = value;
		else node.setAttribute(key, value === true ? "" : value);
	}
	node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
	return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
	const node = document.createElementNS(SVG, tag);
	for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
	node.append(...children);
	return node;
}

// A drawing from one of the sprites in this folder.
export const drawing = (file, name, viewBox) =>
	svg("svg", { viewBox, "aria-hidden": "true" }, svg("use", { href: `/assets/${file}.svg#${name}` }));

export const clock = (date = new Date()) =>
	date.toLocaleTimeString("en-GB", { hour12: false }) + "." + String(date.getMilliseconds()).padStart(3, "0");

export const calm = matchMedia("(prefers-reduced-motion: reduce)");

// Keeps a choice for all pages, and reports whether it could.
export function remember(key, value) {
	try {
		localStorage.setItem("sockeye." + key, value);
		return true;
	} catch { // storage is forbidden: the choice lasts as long as the page
		return false;
	}
}

// Copies text; pages served over plain HTTP from another machine have no clipboard, so a selected field serves there.
export async function copyText(text) {
	if (navigator.clipboard) return navigator.clipboard.writeText(text);
	const field = el("textarea", { value: text, readOnly: true });
	document.body.append(field);
	field.select();
	document.execCommand("copy");
	field.remove();
}
