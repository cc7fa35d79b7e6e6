// Names that were perhaps meant: the same one written properly, what the server is known to have that is close to it, and its parts.

/** How many letters differ: changed, added, left out, or two swapped. */
export function distance(a, b) {
	let before = [], row = [...b, 0].map((_, j) => j);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] !== b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) next[j] = Math.min(next[j], before[j - 2] + 1);
		}
		[before, row] = [row, next];
	}
	return row[b.length];
}

/** Up to six other names, the likeliest first. */
export function near(name, known) {
	const proper = "/" + name.trim().split("/").filter(Boolean).join("/");
	const last = "/" + (proper.split("/").pop() ?? "");
	const close = known.map((other) => ({ other, far: distance(proper.toLowerCase(), other.toLowerCase()) }))
		.filter(({ other, far }) => other !== "/" && far <= Math.max(1, Math.min(3, Math.floor(other.length / 3)))).sort((a, b) => a.far - b.far).map(({ other }) => other);
	const plural = proper.endsWith("s") ? proper.slice(0, -1) : proper + "s";
	return [...new Set([proper, proper.toLowerCase(), ...close, last, plural])].filter((other) => other !== name && other.length > 1).slice(0, 6);
}
