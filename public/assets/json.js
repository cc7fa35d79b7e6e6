// JSON that says where it breaks. Browsers' own messages differ and most give no position, so a small scanner finds it.

export class JSONError extends Error {
	constructor(text, at, wanted) {
		const before = text.slice(0, at).split("\n");
		const line = before.length, column = before.at(-1).length + 1;
		super(`line ${line}, column ${column}: expected ${wanted}`);
		Object.assign(this, { at, line, column, wanted });
		const whole = text.split("\n")[line - 1], from = Math.max(0, column - 30);
		this.excerpt = whole.slice(from, from + 60) + "\n" + " ".repeat(column - 1 - from) + "▲";
	}
}

export function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		scan(text);
		throw new JSONError(text, text.length, "JSON"); // not reached unless the scanner knows less than the browser
	}
}

function scan(text) {
	let at = 0;
	const fail = (wanted) => { throw new JSONError(text, at, wanted); };
	const space = () => { while (" \t\n\r".includes(text[at]) && at < text.length) at++; };
	const literal = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;
	const string = () => {
		if (text[at] !== '"') fail("a string in double quotes");
		for (at++; text[at] !== '"'; at++) {
			if (at >= text.length) fail("a closing quote");
			if (text[at] < " ") fail("no line break or control character in a string");
			if (text[at] === "\\") {
				const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
				escape.lastIndex = at;
				const found = escape.exec(text);
				if (!found) fail("an escape that JSON knows");
				at += found[0].length - 1;
			}
		}
		at++;
	};
	const list = (close, item) => {
		at++;
		space();
		if (text[at] === close) return void at++;
		for (;;) {
			item();
			space();
			if (text[at] === close) return void at++;
			if (text[at] !== ",") fail(`a comma or ${close}`);
			at++;
			space();
		}
	};
	const value = () => {
		space();
		if (text[at] === "{") list("}", () => { string(); space(); if (text[at] !== ":") fail("a colon"); at++; value(); });
		else if (text[at] === "[") list("]", value);
		else if (text[at] === '"') string();
		else {
			literal.lastIndex = at;
			const found = literal.exec(text);
			if (!found) fail("a value");
			at += found[0].length;
		}
	};
	value();
	space();
	if (at < text.length) fail("the end");
}
