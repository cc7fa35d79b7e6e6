// Takes a connection apart into its steps and tries each by hand, with fetch and WebSocket, so that a failure has a place.
// examine yields { check, is: "good" | "warn" | "bad", says, values, fix } for one check after the other, and stops at the first
// that makes the rest meaningless.

export const checks = ["reach", "pathIs", "version", "origin", "session", "live", "websocket"];

const nginx = `location /socket.io/ {
	proxy_pass http://backend;
	proxy_http_version 1.1;
	proxy_set_header Upgrade $http_upgrade;
	proxy_set_header Connection "upgrade";
	proxy_set_header Host $host;
	proxy_buffering off;
	proxy_read_timeout 120s;
}`;

const since = (start) => Math.round(performance.now() - start);
const within = (ms) => AbortSignal.timeout(ms);

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
		return yield { check: "origin", is: "bad", says: "cors", fix: `io := socketio.New(&socketio.Options{Engine: socketio.EngineOptions{\n\tOrigins: engineio.OriginList("${location.origin}"),\n\tCORS:    &engineio.CORS{Credentials: true},\n}})` };
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

	if (res.status === 403 || refusal?.code === 4) return yield { check: "origin", is: "bad", says: "forbidden", values: { origin: location.origin }, fix: `sockeye --origins ${location.origin}` };
	if (isRefusal) return yield { check: "session", is: "bad", says: "broken", values: { why: refusal.message } };
	yield { check: "origin", is: "good", says: "allowed", values: { origin: location.origin } };

	yield* session(url, parse(body.slice(1)), namespace);
	yield await webSocket(base);
}

async function* session(url, open, namespace) {
	const sid = `&sid=${encodeURIComponent(open.sid)}`;
	const post = (text) => fetch(url(sid), { method: "POST", body: text, headers: { "Content-Type": "text/plain;charset=UTF-8" }, signal: within(8000) });
	const poll = async () => {
		const res = await fetch(url(sid), { signal: within(12000) });
		return { ok: res.ok, text: await res.text() };
	};
	let ms;
	try {
		const first = poll(); // waits for what the POST brings about
		await new Promise((done) => setTimeout(done, 60));
		const start = performance.now();
		const sent = await post("40" + (namespace === "/" ? "" : namespace + ","));
		const answer = sent.ok ? await first : { ok: false, text: await sent.text() };
		ms = since(start);
		if (!answer.ok) return yield parse(answer.text)?.code === 1
			? { check: "session", is: "bad", says: "sticky", fix: "upstream backend {\n\tip_hash; # or a cookie: one client, one server\n\tserver 10.0.0.1:3000;\n\tserver 10.0.0.2:3000;\n}" }
			: { check: "session", is: "bad", says: "broken", values: { why: answer.text.slice(0, 200) } };
		const refused = answer.text.split("\x1e").find((packet) => packet.startsWith("44"));
		yield refused
			? { check: "session", is: "bad", says: "noNamespace", values: { namespace, message: parse(refused.slice(refused.indexOf("{")))?.message ?? refused } }
			: { check: "session", is: "good", says: "joined", values: { namespace, sid: open.sid.slice(0, 4) } };
	} catch (err) {
		return yield { check: "session", is: "bad", says: "broken", values: { why: err.message } };
	} finally {
		post("1").catch(() => {}); // over anyway
	}
	if (ms > 1500) yield { check: "live", is: "warn", says: "slow", values: { ms }, fix: nginx };
	else if (open.pingInterval > 55000) yield { check: "live", is: "warn", says: "beat", values: { s: open.pingInterval / 1000 }, fix: nginx };
	else yield { check: "live", is: "good", says: "quick", values: { ms } };
}

function webSocket(base) {
	const start = performance.now();
	return new Promise((done) => {
		const ws = new WebSocket(`${base.href.replace(/^http/, "ws")}?EIO=4&transport=websocket`);
		const timer = setTimeout(() => ws.close(), 8000);
		ws.onmessage = ({ data }) => {
			clearTimeout(timer);
			done(String(data).startsWith("0{") ? { check: "websocket", is: "good", says: "upgrades", values: { ms: since(start) } } : { check: "websocket", is: "bad", says: "blockedAll", values: { code: "?" } });
			ws.close();
		};
		ws.onclose = () => done({ check: "websocket", is: "bad", says: "blocked", fix: nginx });
	});
}

function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
