// Who this tab is, to the other people of a demo. Two tabs are two people: the name is kept for the tab, not for the browser.

import { chinese } from "./words.js";

const names = chinese
	? ["鹭", "水獭", "翠鸟", "鳟鱼", "灰熊", "白鹭", "河狸", "鱼鹰"]
	: ["Heron", "Otter", "Kingfisher", "Trout", "Grizzly", "Egret", "Beaver", "Osprey"];

export function myName() {
	let name = "";
	try { name = sessionStorage.getItem("sockeye.name") ?? ""; } catch { /* storage is forbidden */ }
	if (!name) keepName(name = names[Math.floor(Math.random() * names.length)] + " " + Math.floor(10 + Math.random() * 90));
	return name;
}

// The room named in the page's address, for the demos that have rooms.
export function roomHere() {
	try { return decodeURIComponent(location.hash.slice(1)) || "lobby"; } catch { return "lobby"; } // not one of our links
}

export function keepName(name) {
	try { sessionStorage.setItem("sockeye.name", name); } catch { /* storage is forbidden: the name lasts as long as the page */ }
}

const hues = [8, 215, 150, 32, 262, 190, 325, 88];

// A colour for somebody: by their place in the list of people, so that neighbours differ.
export function colourOf(id, people) {
	const hue = hues[Math.max(0, people.findIndex((p) => p.id === id)) % hues.length];
	return `light-dark(hsl(${hue} 68% 38%), hsl(${hue} 75% 70%))`;
}
