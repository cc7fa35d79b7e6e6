// What is going on on a page when its picture is taken: with people in it where people meet. Each scene gets the page and a function
// that brings another visitor to the same page.
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function fish(page, box, x, y, size) {
	const at = (dx, dy) => page.mouse.move(box.x + x + dx * size, box.y + y + dy * size);
	await at(-1, 0);
	await page.mouse.down();
	for (let i = 0; i <= 48; i++) await at(-Math.cos(i / 24 * Math.PI), -Math.sin(i / 24 * Math.PI) * .42);
	for (const [dx, dy] of [[-1.5, .35], [-1.42, 0], [-1.5, -.35], [-1, 0]]) await at(dx, dy);
	await page.mouse.up();
}

export const scenes = {
	async "" (page) {
		await page.click("#leap");
		await pause(2500);
	},

	async chat(page, visit) {
		const other = await visit("chat/");
		for (const [who, name] of [[page, "Mara"], [other, "李雷"]]) {
			await who.fill("#name", name);
			await who.click("#seat button");
			await pause(200);
		}
		for (const [who, text] of [[page, "The sockeye are back at the weir. About two hundred since dawn."], [other, "看见了！第一条已经过了鱼梯。"], [page, "On my way. Is the light good?"]]) {
			await who.fill("#text", text);
			await who.keyboard.press("Enter");
			await pause(200);
		}
		await other.locator("#text").pressSequentially("很好，带上相机");
		await pause(200);
	},

	async whiteboard(page) {
		const box = await page.locator("#board").boundingBox(), unit = box.width / 10;
		for (const [pen, width, x, y, size] of [["salmon", 9, 2.6, 1.8, 1.2], ["green", 9, 6.4, 3, 1.7], ["blue", 6, 2.7, 3.6, .8]]) {
			await page.click(`[data-pen="${pen}"]`);
			await page.locator("#width").fill(String(width));
			await fish(page, box, x * unit, y * unit, size * unit);
		}
		await page.mouse.move(0, 0);
	},

	async cursors(page, visit) {
		const other = await visit("cursors/");
		await page.locator("#text:enabled").fill("# Field notes\n\nThe river is high today.\nCounted 214 before noon.\n");
		await pause(400);
		await other.locator("#text").click();
		await other.keyboard.press("Control+Home");
		for (let i = 0; i < 2; i++) await other.keyboard.press("ArrowDown");
		await other.keyboard.press("End");
		await other.keyboard.type(" 水很清。", { delay: 60 });
		await pause(300);
	},

	async counter(page) {
		await page.click("#io-start");
		await pause(1500);
		await page.click("#ws-start");
		await pause(2300);
	},

	async echo(page) {
		for (const text of ["Hello, river!", "<b>still only text</b>"]) {
			await page.fill("#text", text);
			await page.keyboard.press("Enter");
			await pause(150);
		}
		await page.click("#bytes");
		await pause(300);
	},

	async subprotocol(page) {
		await page.click("#form .primary");
		await page.locator("#send:enabled").click();
		await pause(300);
	},

	async lifecycle(page) {
		for (const row of ["hello", "question", "dropped"]) {
			await page.locator(`#io [data-row="${row}"] button`).click();
			await pause(400);
		}
		await page.locator('#ws [data-row="message"] button').click();
		await pause(800);
	},

	async polling(page) {
		await page.click('[data-mode="polling"]');
		for (let i = 0; i < 3; i++) {
			await pause(900);
			await page.click("#shout");
		}
		await pause(900);
	},

	async binary(page) {
		for (let i = 0; i < 3; i++) {
			await page.click("#draw");
			await pause(500);
		}
	},

	async acks(page) {
		await page.click("#once");
		await pause(150);
		await page.check("[value=silent]");
		await page.click("#timed");
		await pause(1200);
		await page.check("[value=second]");
		await page.click("#least");
		await pause(1500);
	},

	async recovery(page) {
		await pause(3000);
		await page.click("#cut");
		await pause(2600);
		await page.click("#cut");
		await pause(2200);
	},

	async doctor(page) {
		await page.fill("#namespace", "/nowhere");
		await page.click("#examine");
		await page.locator('#verdict[data-good="no"]').waitFor();
	},

	async playground(page) {
		await page.locator("#spaces").getByRole("button", { name: "/chat", exact: true }).click();
		await page.click("#connect");
		await page.locator("#timeline li").first().waitFor();
		await page.click("#heard button:has(.name:text-is('join'))");
		await page.click("#send");
		await page.locator("#timeline li.down").first().waitFor();
		await page.locator("#frames button:has(.id)").first().click();
		await page.evaluate(() => scrollTo(0, 0));
		await pause(300);
	},
};
