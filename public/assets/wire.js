// What stands on the wire, taken apart: an Engine.IO packet and, within a message, a Socket.IO packet.
//
//	decode({ type: "message", data: '2/chat,7["say","hi"]' }, "websocket")
//	→ { label: "EVENT", namespace: "/chat", id: 7, parts: [{ text, kind, means }], bytes: Uint8Array }

const engineTypes = { open: "0", close: "1", ping: "2", pong: "3", message: "4", upgrade: "5", noop: "6" };
const socketTypes = ["CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"];

export function decode({ type, data }, transport) {
	if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return binary(data, transport);
	const text = data ?? "";
	const parts = [{ kind: "engine", text: engineTypes[type] ?? "?", means: `Engine.IO ${type}` }];
	const out = { label: type, parts };
	if (type === "message") socketPacket(String(text), out);
	else if (text) parts.push({ kind: "data", text: String(text), means: type === "open" ? "handshake" : "data" });
	out.bytes = new TextEncoder().encode(parts.map((part) => part.text).join(""));
	return out;
}

function binary(data, transport) {
	const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
	const part = { kind: "binary", text: `${bytes.length} bytes`, means: transport === "polling" ? "attachment, sent as b and base64" : "attachment, a binary frame of its own" };
	return { label: "binary", parts: [part], bytes };
}

function socketPacket(text, out) {
	const m = /^([0-6])(\d+-)?(\/[^,]*,?)?(\d+)?([^]*)$/.exec(text);
	if (!m) {
		out.parts.push({ kind: "data", text, means: "not a Socket.IO packet" });
		return;
	}
	const [, type, attachments, namespace, id, payload] = m;
	out.label = socketTypes[type];
	out.namespace = namespace ? namespace.replace(/,$/, "") : "/";
	out.parts.push({ kind: "type", text: type, means: `Socket.IO ${out.label}` });
	if (attachments) out.parts.push({ kind: "count", text: attachments, means: "how many binary attachments follow" });
	if (namespace) out.parts.push({ kind: "namespace", text: namespace, means: "namespace" });
	if (id !== undefined) {
		out.id = Number(id);
		out.parts.push({ kind: "id", text: id, means: out.label.endsWith("ACK") ? "answers the event with this id" : "an ack is wanted, under this id" });
	}
	if (payload) out.parts.push({ kind: "data", text: payload, means: { CONNECT: "auth or session id", CONNECT_ERROR: "why it was refused" }[out.label] ?? "arguments" });
}

// Calls packet(packet, "up" | "down", transport) for every packet of a manager's connection and of those that follow it, and
// upgrading(transport), upgraded(transport) when the transport changes.
export function tap(manager, { packet = () => {}, upgrading = () => {}, upgraded = () => {} }) {
	const open = manager.open.bind(manager);
	const hook = (engine) => {
		if (!engine || engine.tapped) return;
		engine.tapped = true;
		engine.on("packet", (it) => packet(it, "down", engine.transport.name));
		engine.on("packetCreate", (it) => packet(it, "up", engine.transport.name));
		engine.on("upgrading", ({ name }) => upgrading(name));
		engine.on("upgrade", ({ name }) => upgraded(name));
	};
	manager.open = manager.connect = (done) => {
		const result = open(done);
		hook(manager.engine);
		return result;
	};
	hook(manager.engine);
}

// Bytes as rows of so many: offset, hexadecimal, text.
export function dump(bytes, limit = 512, across = 16) {
	const rows = [];
	for (let at = 0; at < Math.min(bytes.length, limit); at += across) {
		const row = [...bytes.slice(at, at + across)];
		rows.push(at.toString(16).padStart(4, "0") + "  " + row.map((b) => b.toString(16).padStart(2, "0")).join(" ").padEnd(3 * across) + " " +
			row.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : "·")).join(""));
	}
	if (bytes.length > limit) rows.push(`… ${bytes.length - limit} more bytes`);
	return rows.join("\n");
}
