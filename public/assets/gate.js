// Between the server's answer to "let me in" and the moment the page has it, others go on, and their events overtake the answer.
// A gate keeps these waiting: shut it before asking, open it once the answer is shown. What waits is then handled in its order.
export function gate() {
	let held = null;
	return {
		shut() { held = []; },
		open() {
			const waiting = held ?? [];
			held = null;
			for (const handle of waiting) handle();
		},
		behind: (handle) => (...args) => (held ? held.push(() => handle(...args)) : handle(...args)),
	};
}
