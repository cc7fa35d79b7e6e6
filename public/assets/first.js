// Runs before the page is painted: the reader's theme and language, so that neither flashes. It also notices when a module
// does not load, most often because this server was built without the browser client, and says so instead of showing a dead page.
(function () {
	var root = document.documentElement;
	function kept(key) {
		try { return localStorage.getItem(key); } catch { return null; } // storage may be forbidden: then nothing is remembered
	}
	var theme = kept("sockeye.theme");
	if (theme === "light" || theme === "dark") root.dataset.theme = theme;
	var asked = /[?&]lang=(en|zh)\b/.exec(location.search); // of one whose browser remembers nothing
	var lang = asked && asked[1] || kept("sockeye.lang") || (/^zh\b/i.test(navigator.language) ? "zh" : "en");
	var zh = lang === "zh";
	root.lang = zh ? "zh-CN" : "en";

	addEventListener("error", function (event) {
		if (!(event.target instanceof HTMLScriptElement)) return;
		var src = event.target.src;
		fetch("/socket.io/socket.io.esm.min.js").then(function (res) {
			if (res.ok) return (zh ? "本页有一部分没有加载：" : "A part of this page did not load: ") + src;
			return res.text().then(function (text) { return text.slice(0, 600); });
		}, function () {
			return zh ? "服务器没有回应。" : "The server does not answer.";
		}).then(function (text) {
			var box = document.createElement("p");
			box.className = "banner";
			box.setAttribute("role", "alert");
			box.textContent = text;
			document.querySelector("main").prepend(box);
		});
	}, true);
})();
