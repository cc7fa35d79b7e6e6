// Why it does not connect: what the client says is little, so the server is asked by hand. The answer is { cause, values, fix }: cause is
// a key of the page's words that names the cause and the remedy, fix what to write where, if there is something.

import { near } from "./assets/near.js";

const transport = /^(xhr|fetch|websocket|webtransport|jsonp|transport|probe) .*error|^(timeout|server error|forced close|transport (close|error)|parse error)$/;

export async function cause(target, err, known) {
	const { namespace, url } = target;
	if (/^Invalid namespace$/i.test(err.message)) {
		const meant = near(namespace, known).find((other) => known.includes(other));
		return { cause: meant ? "meant" : known.length ? "namespaceOf" : "namespaceIs", values: { namespace, meant, known: known.slice(0, 30).join("  ") } };
	}
	if (!transport.test(err.message)) return { cause: "refusedBy", values: { why: err.message }, fix: err.data === undefined ? undefined : JSON.stringify(err.data, null, 2).slice(0, 2000) };
	if (location.protocol === "https:" && url.startsWith("http:")) return { cause: "mixed", values: { url } };
	return probe(target);
}

const within = () => AbortSignal.timeout(6000);
const asked = (target, path, version) => `${target.url}${path}?${new URLSearchParams({ ...target.query, EIO: version === "2.5" ? "3" : "4", transport: "polling", t: Math.random().toString(36).slice(2) })}`;

async function probe(target) {
	const { url, path } = target, values = { url, path, origin: location.origin };
	let res, body;
	try {
		res = await fetch(asked(target, path, target.version), { headers: target.headers, signal: within() });
		body = (await res.text()).slice(0, 2000);
	} catch {
		const there = await fetch(url + path, { mode: "no-cors", signal: within() }).then(() => true, () => false);
		if (!there) return { cause: "unreachable", values };
		const headers = Object.keys(target.headers).join(", ");
		return { cause: headers ? "corsHeaders" : "cors", values: { ...values, headers }, fix: `engineio.OriginList("self", ${JSON.stringify(location.origin)})   // Sockeye: Options.Engine.Origins, or --origins\nnew Server({ cors: { origin: ${JSON.stringify(location.origin)} } })   // Node` };
	}
	const refusal = json(body);
	if (/^0\{/.test(body) || /^\d+:0\{/.test(body)) {
		const three = !body.startsWith("0{");
		end(target, body);
		if (three !== (target.version === "2.5")) return { cause: three ? "oldServer" : "newServer", values };
		return target.transports.includes("websocket") && !target.transports.includes("polling") ? { cause: "websocketOnly", values } : { cause: "half", values };
	}
	if (refusal?.code === 5) return { cause: target.version === "2.5" ? "noOldClients" : "oldOnly", values: { ...values, why: refusal.message } };
	if (res.status === 403 || refusal?.code === 4) return { cause: "forbidden", values: { ...values, why: String(refusal?.message ?? body).slice(0, 200) } };
	if (refusal && typeof refusal.code === "number") return { cause: "refusedHandshake", values: { ...values, why: refusal.message } };
	if (path !== "/socket.io/" && await answers(target)) return { cause: "otherPath", values };
	return { cause: "notHere", values: { ...values, status: res.status } };
}

// Whether Socket.IO is where it is by default.
async function answers(target) {
	try {
		const body = await (await fetch(asked(target, "/socket.io/", target.version), { signal: within() })).text();
		if (!/^0\{|^\d+:0\{|^\{"code":/.test(body)) return false;
		end({ ...target, path: "/socket.io/" }, body);
		return true;
	} catch {
		return false;
	}
}

// Ends the session that a question has begun.
function end(target, body) {
	const sid = json(body.slice(body.indexOf("{")).replace(/\}[^}]*$/, "}"))?.sid;
	if (!sid) return;
	const old = !body.startsWith("0{");
	fetch(`${asked(target, target.path, old ? "2.5" : "4.8")}&sid=${encodeURIComponent(sid)}`, { method: "POST", body: old ? "1:1" : "1", headers: { "Content-Type": "text/plain;charset=UTF-8" } }).catch(() => {});
}

function json(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
