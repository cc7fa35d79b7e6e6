// What this browser keeps: the last requests, and those that were given a name; as a file, too.

import { $, el } from "./assets/dom.js";
import { apart } from "./assets/words.js";
import { brief } from "./assets/log.js";
import { save } from "./timeline.js";
import { write } from "./values.js";

export class Kept {
	/** current() is what the forms say, take(request) writes a request into them. */
	constructor({ t, store, current, take }) {
		Object.assign(this, { t, store, current, take });
		$("#keep").addEventListener("submit", (event) => {
			event.preventDefault();
			this.save();
		});
		$("#export-requests").addEventListener("click", () => save("sockeye-requests.json", store.exportFile()));
		$("#import-requests").addEventListener("click", () => $("#import-file").click());
		$("#import-file").addEventListener("change", async ({ target }) => {
			if (target.files.length) this.import(target.files[0]);
		});
		$("#forget").addEventListener("click", () => this.say(store.clear()));
		this.draw();
	}

	add(request) { this.say(this.store.add(request), true); }

	async save() {
		const request = await this.current();
		if (!request) return;
		const why = this.store.save($("#keep-name").value || request.event, request);
		if (!why) $("#keep-name").value = "";
		this.say(why);
	}

	async import(file) {
		const { added, faults } = this.store.importFile(await file.text());
		$("#import-file").value = "";
		this.say([this.t("imported", { n: added }), ...faults.slice(0, 5)].join(" "));
	}

	say(text, quiet = false) {
		$("#kept-says").textContent = quiet && !text ? $("#kept-says").textContent : text;
		this.draw();
	}

	draw() {
		const { t, store } = this, focused = document.activeElement?.dataset?.kept;
		$("#named").replaceChildren(...store.list().map(({ name, request }) => el("li", {},
			el("button.request", { type: "button", dataset: { kept: name }, onclick: () => this.take(request) }, el("bdi.name", {}, name), this.line(request)),
			el("button.quiet.slim", { type: "button", ariaLabel: t("rename", { name }), title: t("rename", { name }), onclick: ({ currentTarget }) => this.rename(name, currentTarget) }, "✎"),
			el("button.quiet.slim", { type: "button", ariaLabel: t("removeRequest", { name }), title: t("removeRequest", { name }), onclick: () => this.say(store.remove(name)) }, "×"))));
		const history = store.history().slice(0, 50);
		$("#history").replaceChildren(...history.map(({ at, request }) => el("li", {}, el("button.request", { type: "button", title: new Date(at).toLocaleString(), onclick: () => this.take(request) }, this.line(request)))));
		$("#past").hidden = !history.length;
		$("#past-title").textContent = t("history", { n: history.length });
		$("#export-requests").disabled = !$("#named").children.length;
		if (focused) [...$("#named").querySelectorAll("[data-kept]")].find((it) => it.dataset.kept === focused)?.focus();
	}

	line({ event, namespace, args, url }) {
		const host = url && url !== location.origin ? url.replace(/^https?:\/\//, "") : "";
		return el("span.line", {}, el("b", {}, apart(event)), " ", el("bdi.sign", {}, host + (namespace ?? "/")), " ", apart(brief((args ?? []).map((value) => write(value)).join(", "), 80)));
	}

	// The name becomes a field; Enter keeps, Escape does not.
	rename(name, button) {
		const item = button.closest("li"), field = el("input", { value: name, ariaLabel: this.t("rename", { name }) });
		let done = false;
		const end = (keep) => {
			if (done) return;
			done = true;
			this.say(keep && field.value.trim() !== name ? this.store.rename(name, field.value) : "");
			const now = keep ? field.value.trim() : name;
			[...$("#named").querySelectorAll("[data-kept]")].find((it) => it.dataset.kept === now)?.focus();
		};
		field.addEventListener("keydown", (event) => {
			if (event.key !== "Enter" && event.key !== "Escape") return;
			event.preventDefault();
			end(event.key === "Enter");
		});
		field.addEventListener("blur", () => end(true));
		item.replaceChildren(field);
		field.select();
		field.focus();
	}
}
