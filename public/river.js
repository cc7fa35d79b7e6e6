// A river on a canvas. Every event on the server is a fish: red ones swim up, green ones come down, and one that somebody sent on
// purpose leaps. None crosses the words: they swim below, and where there is room beside. Readers who prefer less motion see the river at rest, redrawn only when something happened.

import { calm } from "/assets/dom.js";

const most = 90; // fish at once, however busy the server is

export class River {
	constructor(canvas, words) {
		Object.assign(this, { canvas, words, top: 0, side: 0 });
		this.ink = canvas.getContext("2d");
		this.fish = [];
		this.lines = Array.from({ length: 16 }, (_, i) => ({ y: (i + .5) / 16, phase: i * 1.7, speed: .05 + (i % 5) * .013 }));
		const sizes = new ResizeObserver(() => this.fit());
		for (const node of [canvas, words]) sizes.observe(node);
		for (let i = 0; i < 7; i++) this.add("up", .15 + Math.random() * .8);
		for (let i = 0; i < 3; i++) this.add("down", Math.random());
		this.last = performance.now();
		this.fit();
		if (!calm.matches) requestAnimationFrame((now) => this.step(now));
		calm.addEventListener("change", () => calm.matches || requestAnimationFrame((now) => this.step(now)));
	}

	fit() {
		const scale = Math.min(devicePixelRatio || 1, 2);
		const { clientWidth: w, clientHeight: h } = this.canvas;
		Object.assign(this, { w, h });
		const words = this.words.getBoundingClientRect(), water = this.canvas.getBoundingClientRect();
		this.top = words.bottom - water.top + 24;
		this.side = words.right - water.left; // where the words end
		if (w - this.side < 260) this.side = w;
		this.canvas.width = w * scale;
		this.canvas.height = h * scale;
		this.ink.setTransform(scale, 0, 0, scale, 0, 0);
		this.draw(0);
	}

	swim(kind, count) {
		for (let i = 0; i < Math.min(count, 12) && this.fish.length < most; i++) this.add(kind, kind === "down" ? 1.05 + i * .03 : -.05 - i * .03);
		if (calm.matches) this.draw(0);
	}

	add(kind, x) {
		const leap = kind === "leap";
		this.fish.push({ kind, x, y: leap ? .8 : .06 + Math.random() * .84, size: leap ? 2.6 : .6 + Math.random() * .9, speed: (leap ? .16 : .05 + Math.random() * .05) * (kind === "down" ? -1 : 1), phase: Math.random() * 6 });
	}

	step(now) {
		const dt = Math.min(now - this.last, 60) / 1000;
		this.last = now;
		for (const f of this.fish) f.x += f.speed * dt;
		this.fish = this.fish.filter((f) => f.x > -.12 && f.x < 1.12);
		while (this.fish.length < 8) this.add("up", -.1);
		this.draw(now / 1000);
		if (!calm.matches) requestAnimationFrame((next) => this.step(next));
	}

	draw(time) {
		const { ink, w, h } = this;
		ink.clearRect(0, 0, w, h);
		ink.lineWidth = 1.5;
		ink.lineCap = "round";
		for (const line of this.lines) {
			ink.strokeStyle = "#ffffff0f";
			ink.beginPath();
			for (let x = 0; x <= w; x += 24) {
				const y = line.y * h + Math.sin(x / 120 + line.phase - time * line.speed * 30) * 7;
				x === 0 ? ink.moveTo(x, y) : ink.lineTo(x, y);
			}
			ink.stroke();
		}
		for (const f of this.fish) this.drawFish(f, time);
	}

	drawFish(f, time) {
		const { ink, w, h } = this;
		const sway = Math.sin(time * 5 + f.phase);
		const arc = f.kind === "leap" ? Math.sin(Math.min(Math.max(f.x, 0), 1) * Math.PI) * .6 : 0;
		const half = f.size * 11 + 4, room = Math.max(0, h - this.top - 2 * half); // a fish is so high, and sways
		const x = f.x * w, anywhere = this.side < w && f.kind !== "leap";
		const y = anywhere ? f.y * h : this.top + half + (f.y - arc) * room;
		const seen = y - half >= this.top - 20 ? 1 : Math.min(1, (x - this.side - f.size * 24) / 160); // those beside the words come out of the dark
		if (seen <= 0) return;
		ink.save();
		ink.beginPath();
		ink.rect(0, this.top - 20, w, h);
		ink.rect(this.side, 0, w, this.top);
		ink.clip();
		ink.translate(x, y + sway * 3);
		ink.rotate(f.kind === "leap" ? Math.cos(Math.min(Math.max(f.x, 0), 1) * Math.PI) * -.5 : sway * .05);
		ink.scale(f.kind === "down" ? -f.size : f.size, f.size);
		const text = w < 600 || x < this.side; // dim where there is text: below the words are the numbers
		ink.globalAlpha = f.kind === "leap" ? (text ? .5 : 1) : (.35 + Math.min(f.size, 1.2) * .4) * (text ? .45 : 1) * seen;
		const down = f.kind === "down";
		ink.fillStyle = down ? "#3f9a6f" : "#e9503f";
		ink.beginPath(); // body and tail, which bends with the stroke
		ink.moveTo(-16, sway * 2);
		ink.quadraticCurveTo(-4, -10, 12, -5);
		ink.lineTo(12, 6);
		ink.quadraticCurveTo(-4, 10, -16, sway * 2);
		ink.moveTo(-14, sway * 2);
		ink.lineTo(-24, -7 + sway * 4);
		ink.quadraticCurveTo(-21, sway * 3, -24, 7 + sway * 4);
		ink.fill();
		ink.fillStyle = down ? "#2a6f50" : "#3f8f68";
		ink.beginPath();
		ink.moveTo(11, -5.5);
		ink.quadraticCurveTo(20, -4, 24, 1.5);
		ink.quadraticCurveTo(18, 7, 11, 6.5);
		ink.quadraticCurveTo(14, 0, 11, -5.5);
		ink.fill();
		ink.restore();
	}
}
