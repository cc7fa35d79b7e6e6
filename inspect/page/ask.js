// Asks the server. Thrown is an Error with what it says and its status; without one, it has not answered.

const patience = 6000;

async function answer(path, init) {
	const res = await fetch(path, { ...init, signal: AbortSignal.timeout(patience) });
	if (!res.ok) throw Object.assign(new Error((await res.text()).trim()), { status: res.status });
	return res.json();
}

export const ask = (kind, query) => answer(`api/${kind}?${query instanceof URLSearchParams ? query : new URLSearchParams(query)}`);

export const perform = (ns, act) => answer("api/do", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ns, act }) });
