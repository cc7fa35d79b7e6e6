// The form as a program: JavaScript that emits the same, and Go that hears it and says it.

export function asJavaScript({ namespace, transports, auth, query, event, args, ack, timeout, volatile }, origin) {
	const options = [];
	if (auth.trim() !== "{}") options.push(`auth: ${auth}`);
	if (query.trim() !== "{}") options.push(`query: ${query}`);
	if (transports !== "polling,websocket") options.push(`transports: ${JSON.stringify(transports.split(","))}`);
	const values = args.map(([kind, value]) => (kind === "file" ? 'await readFile("your-file")' : kind === "text" ? JSON.stringify(value) : value.trim()));
	const call = [JSON.stringify(event), ...values].join(", ");
	const to = volatile ? "socket.volatile" : "socket";
	return [
		'import { io } from "socket.io-client";',
		args.some(([kind]) => kind === "file") ? 'import { readFile } from "node:fs/promises";' : null,
		"",
		`const socket = io(${JSON.stringify(origin + (namespace === "/" ? "" : namespace))}${options.length ? `, { ${options.join(", ")} }` : ""});`,
		ack ? `console.log(await ${to}.timeout(${timeout}).emitWithAck(${call}));` : `${to}.emit(${call});`,
		"",
	].filter((line) => line !== null).join("\n");
}

export function asGo({ namespace, event, args, ack, volatile }) {
	const values = args.map(([kind, value]) => (kind === "file" ? "file // []byte" : kind === "text" ? JSON.stringify(value) : literal(value)));
	const vars = args.map((_, i) => "abcdefghijklmnop"[i] ?? `v${i}`);
	const call = [JSON.stringify(event), ...values].join(", ");
	return `ns := io.Of(${JSON.stringify(namespace)})

// hear it
ns.On(${JSON.stringify(event)}, func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
${args.length ? `	var ${vars.join(", ")} any
	if err := r.Scan(${vars.map((v) => "&" + v).join(", ")}); err != nil {
		return err
	}
` : ""}	return ${ack ? `r.Ack(${vars.join(", ")})` : "nil"}
})

// say it
${ack ? `answer, err := s.EmitWithAck(ctx, ${call})` : `err := ${volatile ? "s.Volatile()" : "ns"}.Emit(${call})`}
`;
}

function literal(json) {
	try {
		return go(JSON.parse(json));
	} catch {
		return json;
	}
}

function go(value) {
	if (value === null) return "nil";
	if (Array.isArray(value)) return `[]any{${value.map(go).join(", ")}}`;
	if (typeof value === "object") return `map[string]any{${Object.entries(value).map(([key, v]) => `${JSON.stringify(key)}: ${go(v)}`).join(", ")}}`;
	return JSON.stringify(value);
}
