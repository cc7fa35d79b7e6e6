// Regular expressions that came with a description. The browser's own can take for ever on one that is made for it, so they are matched
// here, in a time that is at most the length of the text times that of the expression. What is not known here (look-around, back
// references, word borders), or is too long, is not tried: the server checks it anyway.

const LONGEST = 300, STATES = 2000, TEXT = 5000;

const known = new Map();

// matches(pattern, text) is true, false, or undefined if that cannot be told.
export function matches(pattern, text) {
	const program = compiled(pattern);
	const letters = Array.from(text.slice(0, TEXT + 1));
	if (!program || letters.length > TEXT) return undefined;
	let now = new Set();
	const enter = (states, state, i) => {
		const todo = [state];
		while (todo.length) {
			const n = todo.pop();
			if (states.has(n)) continue;
			const s = program[n];
			if (s.at === "start" ? i !== 0 : s.at === "end" ? i !== letters.length : false) continue;
			states.add(n);
			if (s.to) todo.push(...s.to);
		}
	};
	for (let i = 0; ; i++) {
		enter(now, 0, i); // it may begin anywhere
		if (now.has(program.length - 1)) return true;
		if (i === letters.length) return false;
		const then = new Set();
		for (const n of now) if (program[n].one && program[n].one.test(letters[i])) enter(then, n + 1, i + 1);
		now = then;
	}
}

// example(pattern, least) is a text that fits, of at least so many characters where that is possible; undefined if none is found.
export function example(pattern, least = 0) {
	const tree = parsed(pattern);
	if (!tree) return undefined;
	for (const more of [0, Math.max(0, least)]) {
		let left = more;
		const write = (node) => {
			if (node.one) return sign(node.one);
			if (node.seq) return node.seq.map(write).join("");
			if (node.any) return write(node.any[0]);
			if (!node.repeat) return "";
			let text = "";
			for (let i = 0; i < Math.min(node.most, Math.max(node.least, Math.min(left, 300))) && text.length < 1000; i++) text += write(node.repeat);
			left = Math.max(0, left - text.length);
			return text;
		};
		const text = write(tree);
		if (text.length >= least && matches(pattern, text)) return text;
	}
	return undefined;
}

const sign = (one) => [..."ab0 A-_.@/:é中"].find((letter) => one.test(letter)) ?? Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).find((letter) => one.test(letter)) ?? "?";

function compiled(pattern) {
	if (!known.has(pattern)) {
		if (known.size > 500) known.clear();
		const tree = parsed(pattern);
		known.set(pattern, tree && programOf(tree));
	}
	return known.get(pattern);
}

// A program is a list of states: {one} takes a letter and goes on to the next, {to} goes on to those without taking any, {at} only at the
// start or end. The last one has matched.
function programOf(tree) {
	const program = [];
	const add = (state) => {
		if (program.length >= STATES) throw new RangeError("too long");
		return program.push(state) - 1;
	};
	const emit = (node) => {
		if (node.one) add({ one: node.one });
		else if (node.at) add({ at: node.at, to: [program.length + 1] });
		else if (node.seq) node.seq.forEach(emit);
		else if (node.any) {
			const fork = add({ to: [] }), ends = [];
			for (const branch of node.any) {
				program[fork].to.push(program.length);
				emit(branch);
				ends.push(add({ to: [] }));
			}
			for (const end of ends) program[end].to.push(program.length);
		} else {
			for (let i = 0; i < node.least; i++) emit(node.repeat);
			if (node.most === Infinity) {
				const fork = add({ to: [program.length + 1] });
				emit(node.repeat);
				add({ to: [fork] });
				program[fork].to.push(program.length);
			} else {
				const forks = [];
				for (let i = node.least; i < node.most; i++) {
					forks.push(add({ to: [program.length + 1] }));
					emit(node.repeat);
				}
				for (const fork of forks) program[fork].to.push(program.length);
			}
		}
	};
	try {
		emit(tree);
		add({});
		return program;
	} catch (err) {
		if (err instanceof RangeError) return undefined;
		throw err;
	}
}

class Unknown extends Error {}

function parsed(pattern) {
	if (typeof pattern !== "string" || pattern.length > LONGEST) return undefined;
	let i = 0, depth = 0;
	const letters = Array.from(pattern);
	const single = (source) => ({ one: new RegExp(`^${source}$`, "su") }); // of one letter: nothing to go back for
	const take = (text) => letters.slice(i, i + text.length).join("") === text && (i += text.length);
	const alternatives = () => {
		if (++depth > 50) throw new Unknown();
		const any = [sequence()];
		while (take("|")) any.push(sequence());
		depth--;
		return any.length === 1 ? any[0] : { any };
	};
	const sequence = () => {
		const seq = [];
		while (i < letters.length && letters[i] !== "|" && letters[i] !== ")") seq.push(repeated(atom()));
		return { seq };
	};
	const escape = () => {
		const letter = letters[i++];
		if (/[dDsSwW]/.test(letter ?? "")) return "\\" + letter;
		if (/[pP]/.test(letter ?? "") && letters[i] === "{") {
			const end = letters.indexOf("}", i);
			if (end < 0) throw new Unknown();
			const name = letters.slice(i, end + 1).join("");
			i = end + 1;
			return "\\" + letter + name;
		}
		const hex = (n) => { const digits = letters.slice(i, i + n).join(""); if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length !== n) throw new Unknown(); i += n; return digits; };
		if (letter === "x") return "\\x" + hex(2);
		if (letter === "u" && letters[i] !== "{") return "\\u" + hex(4);
		if (/[tnrfv0]/.test(letter ?? "") && !(letter === "0" && /\d/.test(letters[i] ?? ""))) return "\\" + letter;
		if (/[\^$\\.*+?()[\]{}|/-]/.test(letter ?? "")) return "\\" + letter;
		throw new Unknown();
	};
	const set = () => {
		let source = "[";
		if (take("^")) source += "^";
		for (;;) {
			if (i >= letters.length) throw new Unknown();
			const letter = letters[i++];
			if (letter === "]") return source + "]";
			source += letter === "\\" ? escape() : letter;
		}
	};
	const atom = () => {
		const letter = letters[i++];
		switch (letter) {
			case "^": return { at: "start" };
			case "$": return { at: "end" };
			case ".": return single("[^\\n\\r\\u2028\\u2029]");
			case "[": return single(set());
			case "\\": return single(escape());
			case "(": {
				if (letters[i] === "?" && !take("?:")) throw new Unknown();
				const inside = alternatives();
				if (!take(")")) throw new Unknown();
				return inside;
			}
			case "*": case "+": case "?": case "{": case "}": case "]": throw new Unknown();
		}
		return single(/[/-]/.test(letter) ? letter : letter.replace(/[\^$\\.*+?()[\]{}|]/, "\\$&"));
	};
	const repeated = (node) => {
		let bounds;
		if (take("*")) bounds = [0, Infinity];
		else if (take("+")) bounds = [1, Infinity];
		else if (take("?")) bounds = [0, 1];
		else if (letters[i] === "{") {
			const found = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(letters.slice(i, i + 12).join(""));
			if (!found) throw new Unknown();
			i += found[0].length;
			bounds = [Number(found[1]), found[2] ? (found[3] ? Number(found[3]) : Infinity) : Number(found[1])];
			if (bounds[1] < bounds[0]) throw new Unknown();
		}
		if (!bounds) return node;
		take("?"); // lazy or not is the same to who only asks whether
		if (node.at || /[*+?{]/.test(letters[i] ?? "")) throw new Unknown();
		return { repeat: node, least: bounds[0], most: bounds[1] };
	};
	try {
		const tree = alternatives();
		return i === letters.length ? tree : undefined;
	} catch (err) {
		if (err instanceof Unknown || err instanceof SyntaxError) return undefined;
		throw err;
	}
}
