// Numbers as people read them, and ids short enough to tell apart.

export const short = (id) => (id.length > 9 ? id.slice(0, 8) + "…" : id);

export function ago(seconds) {
	const s = Math.floor(seconds), two = (n) => String(n).padStart(2, "0");
	if (s < 60) return `${s} s`;
	if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
	return s < 86400 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

export function size(n) {
	for (const unit of ["B", "KB", "MB"]) {
		if (n < 1000) return `${n < 10 && unit !== "B" ? n.toFixed(1) : Math.round(n)} ${unit}`;
		n /= 1000;
	}
	return `${n.toFixed(1)} GB`;
}

export const many = (n) => (n >= 10_000 ? Math.round(n).toLocaleString("en-US") : n >= 100 || Number.isInteger(n) ? String(Math.round(n)) : n.toFixed(1));
