// The frame around the page: that of the application, or one of its own.

import { el, remember } from "./assets/dom.js";
import { chinese, switchLanguage, words } from "./assets/words.js";
import dictionary from "./words.js";

/** Builds it and returns the function that looks texts up. */
export async function around(address) {
	return address ? (await import(address)).page("playground", dictionary) : own();
}

function own() {
	const t = words(dictionary);
	document.title = `${t("title") === "title" ? "Playground" : t("title")} · Sockeye`;
	const tool = (key, text, onclick) => el("button.tool", { type: "button", title: t(key), ariaLabel: t(key), onclick, lang: key === "language" ? (chinese ? "en" : "zh-CN") : undefined }, text);
	document.body.prepend(el("a.skip", { href: "#main" }, t("skip")), el("header.top", {},
		el("span.brand", {}, el("img", { src: "assets/fish.svg", alt: "", width: 40, height: 26 }), el("span", {}, "Sockeye")),
		el("div.tools", {}, tool("language", chinese ? "EN" : "中文", switchLanguage), tool("theme", "◐", () => {
			const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
			root.dataset.theme = dark ? "light" : "dark";
			remember("theme", root.dataset.theme);
		}))));
	document.body.append(el("footer.foot", {}, el("div", {}, el("span", {}, t("madeWith")))));
	return t;
}
