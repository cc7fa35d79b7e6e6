// The events of the namespace that is chosen, as the description has them: what the server hears, to be chosen, and what it says.

import { $, el } from "./assets/dom.js";
import { apart } from "./assets/words.js";
import { find } from "./described.js";
import { compare } from "./drift.js";
import { answer, signature } from "./shape.js";

export class Events {
	/** chosen(event) is called with an event that is chosen, space(name) with a namespace. */
	constructor(t, server, { chosen, space }) {
		Object.assign(this, { t, server, chosen, space, described: undefined, namespace: undefined, own: true });
		$("#find").addEventListener("input", () => this.filter());
	}

	/** Shows what is known of a namespace of the server; own is whether it is the one that serves this page. */
	show(described, namespace, own) {
		const { t } = this;
		if (described === this.described && namespace === this.namespace && own === this.own) return;
		Object.assign(this, { described, namespace, own });
		const { contract } = described, ns = this.ns = find(contract, namespace);
		const running = own ? this.server.namespaces.find(({ name }) => name === namespace)?.heard ?? [] : [];
		const sentence = contract ? (ns ? undefined : ["d.namespace", { namespace }]) : described.none ? [described.none, described.values] : ["notAsked"];
		$("#described").replaceChildren(...(sentence ? t.nodes(sentence[0], sentence[1]) : []));
		$("#described").hidden = !sentence;
		const faults = contract ? [...contract.faults.slice(0, 20).map(apart), ...(own ? compare(contract, this.server.namespaces).map(([key, values]) => el("span", {}, ...t.nodes(key, values))) : [])] : [];
		$("#differs").hidden = !faults.length;
		$("#differs ul").replaceChildren(...faults.map((text) => el("li", {}, text)));
		$("#differs summary").textContent = t("differs", { n: faults.length });

		const heard = ns ? ns.heard : running.map((name) => ({ name, doc: "", args: [], ack: null, list: true, bare: true }));
		$("#heard").replaceChildren(...heard.map((event) => this.row(event, true)));
		$("#said").replaceChildren(...(ns?.said ?? []).map((event) => this.row(event, false)));
		for (const [id, list] of [["heard", heard], ["said", ns?.said ?? []]]) $(`#${id}-part`).hidden = !list.length;
		$("#find").hidden = heard.length + (ns?.said.length ?? 0) < 8;
		$("#find").value = "";
		$("#events").replaceChildren(...heard.map(({ name }) => el("option", { value: name })));
		const names = this.names();
		$("#known").replaceChildren(...names.map((value) => el("option", { value })));
		$("#spaces").hidden = names.length < 2;
		$("#spaces").replaceChildren(...names.map((name) => el("li", {}, el("button.slim", { type: "button", ariaPressed: String(name === namespace), onclick: () => this.space(name) }, el("bdi", {}, name)))));
		this.mark();
	}

	/** The namespaces to choose from: those that run, and those that are described. */
	names() {
		const names = [...(this.own ? this.server.namespaces.map(({ name }) => name) : []), ...(this.described.contract?.namespaces.map(({ name }) => name) ?? [])];
		return [...new Set(names)].filter((name) => !name.includes("{")).sort().slice(0, 200);
	}

	/** An event that the server hears, as the description has it. */
	event(name) { return this.ns?.heard.find((event) => event.name === name); }

	row(event, choosable) {
		const resolve = this.described.contract?.resolve, back = resolve && answer(event, resolve), sign = resolve ? signature(event, resolve) : "";
		const text = [el("bdi.name", {}, event.name), sign && el("bdi.sign", {}, sign), back !== undefined && el("span.back", {}, "← ", el("bdi", {}, back || this.t("empty ack"))), event.doc && el("bdi.doc", {}, event.doc.slice(0, 300))];
		return el("li", {}, choosable
			? el("button.event", { type: "button", dataset: { event: event.name }, onclick: () => this.chosen(event) }, ...text)
			: el("div.event", {}, ...text));
	}

	mark(name = $("#event").value) {
		for (const button of $("#heard").querySelectorAll("button")) button.ariaPressed = String(button.dataset.event === name);
	}

	filter() {
		const text = $("#find").value.toLowerCase();
		for (const item of document.querySelectorAll("#heard li, #said li")) item.hidden = !item.textContent.toLowerCase().includes(text);
	}
}
