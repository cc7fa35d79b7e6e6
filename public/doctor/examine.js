// Takes a connection apart into its steps and tries each by hand, with fetch and WebSocket, so that a failure has a place.
// examine yields { check, is: "good" | "warn" | "bad", says, values, fix } for one check after the other, and stops at the first
// that makes the rest meaningless.
import { plainly } from "/assets/words.js";
import { near } from "/assets/near.js";
import { nginx } from "./recipes.js";

export const checks = ["reach", "pathIs", "version", "session", "namespaceIs", "live", "origin", "websocket"];

const since = (start) => Math.round(performance.now() - start);
const within = (ms) => AbortSignal.timeout(ms);
const listed = () => `sockeye --origins ${location.origin}\n\n// or, in a program of your own\nOrigins: engineio.OriginList("self", "${location.origin}"),`;

export async function* examine(address, path, namespace) {
	let base;
	try {
		base = new URL(path, address);
		if (!base.protocol.startsWith("http")) throw new Error("protocol");
	} catch {
		return yield { check: "reach", is: "bad", says: "noAddress" };
	}
	if (location.protocol === "https:" && base.protocol === "http:") return yield { check: "reach", is: "bad", says: "mixed" };
	const url = (query) => `${base.href}?EIO=4&transport=polling${query}&t=${Math.random().toString(36).slice(2)}`;
	const start = performance.now();

	let res;
	try {
		res = await fetch(url(""), { signal: within(8000) });
	} catch {
		const there = await fetch(base, { mode: "no-cors", signal: within(8000) }).then(() => true, () => false);
		if (!there) return yield { check: "reach", is: "bad", says: "unreachable" };
		yield { check: "reach", is: "good", says: "reached", values: { ms: since(start) } };
		return yield { check: "origin", is: "bad", says: "cors", fix: listed() };
	}
	yield { check: "reach", is: "good", says: "reached", values: { ms: since(start) } };

	const body = (await res.text()).slice(0, 4000);
	const refusal = parse(body);
	const isRefusal = !res.ok && typeof refusal?.code === "number";
	const old = /^\d+:0\{/.test(body);
	if (!body.startsWith("0{") && !isRefusal && !old) return yield { check: "pathIs", is: "bad", says: "notFound", values: { path: base.pathname, status: res.status }, fix: `io(${JSON.stringify(base.origin)}, { path: "/the/same/path/as/on/the/server/" })` };
	yield { check: "pathIs", is: "good", says: "found", values: { path: base.pathname } };

	if (old) return yield { check: "version", is: "bad", says: "old", fix: "npm install socket.io-client@2" };
	if (isRefusal && refusal.code === 5) return yield { check: "version", is: "bad", says: "refusesOld", values: { message: refusal.message } };
	yield { check: "version", is: "good", says: "speaks" };

	if (res.status === 403 || refusal?.code === 4) return yield forbidden(refusal);
	if (isRefusal) return yield { check: "session", is: "bad", says: "broken", values: { why: refusal.message } };

	const session = new Session(url, parse(body.slice(1)));
	try {
		const broken = await session.join(namespace);
		if (broken) return yield broken;
		yield { check: "session", is: "good", says: "works", values: { sid: session.open.sid.slice(0, 4) } };
		yield await session.namespace(namespace, base);
		yield session.live();
		yield* page(base, session);
	} finally {
		session.end();
	}
}

const forbidden = (refusal) => ({ check: "origin", is: "bad", says: "forbidden", values: { origin: location.origin, message: refusal?.message ?? "403" }, fix: listed() });

// A polling session by hand. Its GETs are those of any page; its POSTs carry the page's Origin, as browsers do.
class Session {
	constructor(url, open) {
		this.open = open;
		this.sid = `&sid=${encodeURIComponent(open.sid)}`;
		this.url = () => url(this.sid);
		this.got = [];
	}
	post(text) { return fetch(this.url(), { method: "POST", body: text, headers: { "Content-Type": "text/plain;charset=UTF-8" }, signal: within(8000) }); }
	async poll() {
		const res = await fetch(this.url(), { signal: within(12000) });
		const text = await res.text();
		if (res.ok) this.got.push(...text.split("\x1e"));
		return { ok: res.ok, text };
	}
	/** Asks for a namespace and returns the packet that answers. */
	async ask(namespace) {
		const name = namespace === "/" ? "" : namespace + ",";
		const first = this.poll(); // waits for what the POST brings about
		first.catch(() => {});
		await new Promise((done) => setTimeout(done, 60));
		const start = performance.now();
		const sent = await this.post("40" + name);
		if (!sent.ok) return { status: sent.status, text: await sent.text() };
		const answers = () => this.got.find((packet) => packet.startsWith("40" + name) || packet.startsWith("44" + name));
		for (let polled = await first; ; polled = await this.poll()) {
			if (!polled.ok) return { status: 400, text: polled.text };
			this.ms ??= since(start);
			if (answers()) return { packet: answers() };
		}
	}
	async join(namespace) {
		try {
			// Without a slash it could not even be asked for.
			this.first = await this.ask(namespace.startsWith("/") ? namespace : "/" + namespace);
		} catch (err) {
			return { check: "session", is: "bad", says: "broken", values: { why: plainly(err) } };
		}
		const { packet, status, text } = this.first;
		if (packet) return null;
		const refusal = parse(text);
		if (status === 403) return forbidden(refusal);
		if (refusal?.code === 1) return { check: "session", is: "bad", says: "sticky", fix: "upstream backend {\n\tip_hash; # or a cookie: one client, one server\n\tserver 10.0.0.1:3000;\n\tserver 10.0.0.2:3000;\n}" };
		return { check: "session", is: "bad", says: "broken", values: { why: refusal?.message ?? text.slice(0, 200) } };
	}
	async namespace(name, base) {
		const { packet } = this.first;
		const meant = (other, message) => ({ check: "namespaceIs", is: "bad", says: "didYouMean", values: { namespace: name, message, other }, fix: `io(${JSON.stringify(base.origin + (other === "/" ? "" : other))})` });
		if (packet.startsWith("40")) return name.startsWith("/") ? { check: "namespaceIs", is: "good", says: "joined", values: { namespace: name } } : meant("/" + name, "");
		const message = parse(packet.slice(packet.indexOf("{")))?.message ?? packet;
		const values = { namespace: name, message };
		if (message !== "Invalid namespace") return { check: "namespaceIs", is: "bad", says: "noEntry", values };
		const known = base.origin === location.origin ? await fetch("/namespaces.json").then((res) => (res.ok ? res.json() : []), () => []) : [];
		for (const other of near(name, known)) {
			const { packet: answer } = await this.ask(other).catch(() => ({}));
			if (!answer) break;
			if (answer.startsWith("40")) return meant(other, message);
		}
		return { check: "namespaceIs", is: "bad", says: "noNamespace", values };
	}
	live() {
		const { ms, open } = this;
		if (ms > 1500) return { check: "live", is: "warn", says: "slow", values: { ms }, fix: nginx };
		if (open.pingInterval > 55000) return { check: "live", is: "warn", says: "beat", values: { s: open.pingInterval / 1000 }, fix: nginx };
		return { check: "live", is: "good", says: "quick", values: { ms } };
	}
	end() { this.post("1").catch(() => {}); } // over anyway
}

// A WebSocket alone is asked for its Origin; one of a session that has been let in is not. So the two tell a page that is not
// recognised from a WebSocket that does not get through.
async function* page(base, session) {
	const address = `${base.href.replace(/^http/, "ws")}?EIO=4&transport=websocket`;
	const values = { origin: location.origin };
	const alone = await webSocket(address, "", "0{");
	if (alone.ok) {
		yield { check: "origin", is: "good", says: "allowed", values };
		return yield { check: "websocket", is: "good", says: "upgrades", values: { ms: alone.ms } };
	}
	const upgrade = await webSocket(address + session.sid, "2probe", "3probe");
	if (upgrade.ok) {
		yield { check: "origin", is: "bad", says: "unknownPage", values, fix: `${nginx}\n# or list the page:\n${listed()}` };
		return yield { check: "websocket", is: "warn", says: "upgradesOnly", values: { ms: upgrade.ms } };
	}
	yield { check: "origin", is: "good", says: "allowedPolling", values };
	yield { check: "websocket", is: "bad", says: "blocked", fix: nginx };
}

/** Opens a WebSocket, says hello, and waits for an answer that begins like that. */
function webSocket(address, hello, answer) {
	const start = performance.now();
	return new Promise((done) => {
		const ws = new WebSocket(address);
		const timer = setTimeout(() => ws.close(), 8000);
		ws.onopen = () => hello && ws.send(hello);
		ws.onmessage = ({ data }) => {
			if (!String(data).startsWith(answer)) return;
			done({ ok: true, ms: since(start) });
			ws.close();
		};
		ws.onclose = () => {
			clearTimeout(timer);
			done({ ok: false });
		};
	});
}

function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
