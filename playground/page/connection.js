// A connection to a namespace, the same for both versions of the client.
//
//	open(io, target, { packet, upgrade, event, up, down, failed })
//
// packet(packet, "up" | "down", transport)    each packet of the engine
// upgrade(kind, transport)                    "upgrading", "upgrade"
// event(name, args, ack)                      an event; ack is a function if it is wanted, else undefined
// up({ id, recovered, transport })            connected, and each time the transport changes
// down(reason, back)                          disconnected; back: the client tries again by itself
// failed({ message, data }, back)             not connected

import { tap } from "./assets/wire.js";

// Binary as both clients know it.
function bytes(value) {
	if (value instanceof Uint8Array) return value.slice().buffer;
	if (Array.isArray(value)) return value.map(bytes);
	if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
	return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, bytes(it)]));
}

export function open(io, target, hooks) {
	const old = target.version === "2.5";
	const manager = new io.Manager(target.url, {
		path: target.path, query: target.query, transports: target.transports, autoConnect: false, reconnectionDelayMax: 3000, timeout: 10000,
		withCredentials: false, // version 2 would have another server allow cookies
		...(Object.keys(target.headers).length ? { extraHeaders: target.headers, transportOptions: { polling: { extraHeaders: target.headers } } } : {}),
	});
	tap(manager, { packet: hooks.packet, upgrading: (name) => hooks.upgrade("upgrading", name), upgraded: (name) => { hooks.upgrade("upgrade", name); told(); } });
	const socket = manager.socket(target.namespace, old ? { query: target.query } : { auth: target.auth });
	let left = false; // by this page
	const back = () => !left && (old || socket.active); // an old client refuses by "error", below
	const told = () => socket.connected && hooks.up({ id: socket.id, recovered: socket.recovered, transport: manager.engine.transport.name });

	socket.on("connect", told);
	socket.on("disconnect", (reason) => hooks.down(reason, !left && reason !== "io server disconnect"));
	socket.on("connect_error", (err) => hooks.failed(plain(err), back()));
	if (old) {
		socket.on("error", (err) => hooks.failed(plain(err), false)); // how a server of that time refuses
		socket.onevent = ({ data, id }) => hooks.event(data[0], data.slice(1), id === undefined || id === null ? undefined : socket.ack(id));
	} else {
		socket.onAny((name, ...args) => {
			const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
			hooks.event(name, args, ack);
		});
	}
	manager.reconnection(true);
	socket.connect();

	return {
		get connected() { return socket.connected; },
		close() {
			left = true;
			manager.reconnection(false); // one that has never been connected stops trying, too
			socket.disconnect();
		},
		/** Emits. With timeout, answered(null | "timeout" | "gone", answer) is called once. */
		emit(name, args, { timeout, volatile = false }, answered) {
			const values = args.map(bytes), to = volatile && socket.volatile ? socket.volatile : socket;
			if (!timeout) return void to.emit(name, ...values);
			if (!old) return void to.timeout(timeout).emit(name, ...values, (err, ...answer) => answered(err && "timeout", answer));
			let timer = setTimeout(() => { timer = 0; answered("timeout", []); }, timeout);
			to.emit(name, ...values, (...answer) => {
				if (!timer) return;
				clearTimeout(timer);
				answered(null, answer);
			});
		},
	};
}

// What went wrong, whatever kind of thing the client gives: an Error, a string, or what the server has sent.
function plain(err) {
	if (err instanceof Error) return { message: err.message, data: err.data };
	return { message: String(err?.message ?? (typeof err === "string" ? err : JSON.stringify(err))), data: err?.data };
}
