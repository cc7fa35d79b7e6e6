// Text as edits. An edit replaces `cut` characters at `at` by `put`; two texts differ by one such edit, which diff finds.

export function diff(from, to) {
	let at = 0, tail = 0;
	while (at < from.length && at < to.length && from[at] === to[at]) at++;
	while (tail < from.length - at && tail < to.length - at && from[from.length - 1 - tail] === to[to.length - 1 - tail]) tail++;
	if (from.length === to.length && at === from.length) return null;
	if (high(from[at - 1]) || high(to[at - 1])) at--; // never half a character
	if (tail && low(from[from.length - tail])) tail--;
	return { at, cut: from.length - at - tail, put: to.slice(at, to.length - tail) };
}

const high = (unit) => unit >= "\ud800" && unit <= "\udbff";
const low = (unit) => unit >= "\udc00" && unit <= "\udfff";

export const apply = (text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut);

// Where a position is after an edit. A position at the place of an insertion stays before it when `stay` is set.
export function shift(position, { at, cut, put }, stay = false) {
	if (position < at || (position === at && stay)) return position;
	return position >= at + cut ? position + put.length - cut : at + put.length;
}

// The edit `mine`, made beside `other` on the same text, as it must be once `other` was applied. Where both start at the same
// place, the one that reached the server first comes first: `other`, unless `stay`.
export function rebase(mine, other, stay = false) {
	const at = shift(mine.at, other, stay), end = Math.max(at, shift(mine.at + mine.cut, other, true));
	return { at, cut: end - at, put: mine.put };
}
