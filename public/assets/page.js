// The frame around every page: the bar on top, the line at the bottom, theme and language, and the two source buttons.
//
//	const t = page("chat", dictionary);
//
// The id is the page's folder in public/ and its entry in demos.js.

import { $, drawing, el, remember, svg } from "./dom.js";
import { chinese, switchLanguage, words } from "./words.js";
import { demos, find } from "./demos.js";
import { showSource } from "./source.js";

export { $, $$, el, clock, calm, svg } from "./dom.js";
export { apart, chinese, plainly, rich } from "./words.js";

export const titleOf = (demo) => (chinese ? demo.zh : demo.title);
export const lineOf = (demo) => (chinese ? demo.zhLine : demo.line);

export function page(id, dictionary) {
	const t = words(dictionary);
	const demo = find(id);
	document.title = (demo ? titleOf(demo) + " · " : "") + "Sockeye";
	document.body.prepend(el("a.skip", { href: "#main" }, t("skip")), bar(t, id));
	document.body.append(foot(t, demo));
	if (demo) $(".intro .side")?.append(...sources(t, demo));
	return t;
}

function bar(t, id) {
	const link = (href, key, here = href === `/${id}/`) => el("a", { href, ariaCurrent: here ? "page" : undefined }, t(key));
	return el("header.top", {},
		el("a.brand", { href: "/" }, drawing("fish", "fish", "0 0 66 42"), el("span", {}, "Sockeye")),
		el("nav", { ariaLabel: "Sockeye" }, link("/#demos", "demos"), link("/playground/", "playground"), link("/doctor/", "doctor"), link(docs, "docs", id === "docs")),
		el("div.tools", {},
			el("button.tool", { type: "button", title: t("language"), ariaLabel: t("language"), onclick: switchLanguage, lang: chinese ? "en" : "zh-CN" }, chinese ? "EN" : "中文"),
			el("button.tool", { type: "button", title: t("theme"), ariaLabel: t("theme"), onclick: switchTheme }, halfMoon())));
}

function halfMoon() {
	return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" },
		svg("circle", { cx: 10, cy: 10, r: 7.4, fill: "none", stroke: "currentColor", "stroke-width": 1.6 }),
		svg("path", { d: "M10 2.6a7.4 7.4 0 0 1 0 14.8z", fill: "currentColor" }));
}

function switchTheme() {
	const root = document.documentElement;
	const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
	root.dataset.theme = dark ? "light" : "dark";
	remember("theme", root.dataset.theme);
}

// Where the documents are to be read, in the reader's language.
export const docs = chinese ? "/docs/zh/" : "/docs/";

function foot(t, demo) {
	const next = demo && demos[(demos.indexOf(demo) + 1) % demos.length];
	return el("footer.foot", {}, el("div", {},
		el("span", {}, t("madeWith")),
		el("a", { href: docs }, t("docs")),
		next && el("a.next", { href: `/${next.id}/` }, t("next", { title: titleOf(next) }) + " →")));
}

// Links to the plain files, which open in a reader on the same page unless asked to open elsewhere.
function sources(t, demo) {
	const button = (key, href) => el("a.button.slim", { href, onclick(event) {
		if (event.metaKey || event.ctrlKey || event.shiftKey) return;
		event.preventDefault();
		showSource(t, href);
	} }, t(key));
	return [demo.go && button("serverSource", serverSource(demo)), button("clientSource", clientSource(demo))].filter(Boolean);
}

export const serverSource = (demo) => `/source/namespaces/${demo.go}`;
export const clientSource = (demo) => `/${demo.id}/${demo.id}.js`;
