
(function () {
  "use strict";
  var root = document.documentElement;

  var themes = ["system", "light", "dark"];
  var button = document.getElementById("theme");
  function stored(value) {
    try {
      if (value === undefined) { return localStorage.getItem("phift-theme"); }
      localStorage.setItem("phift-theme", value);
    } catch (error) { return null; }
    return value;
  }
  function show(theme) {
    if (theme === "system") { root.removeAttribute("data-theme"); } else { root.setAttribute("data-theme", theme); }
    button.textContent = "Theme: " + theme;
    button.dataset.now = theme;
  }
  var first = stored();
  show(themes.indexOf(first) < 0 ? "system" : first);
  button.hidden = false;
  button.addEventListener("click", function () {
    var next = themes[(themes.indexOf(button.dataset.now) + 1) % themes.length];
    show(next);
    stored(next);
  });

  document.querySelectorAll("[data-fold]").forEach(function (one) {
    one.hidden = false;
    one.addEventListener("click", function () {
      one.closest("section").querySelectorAll(".list > .res").forEach(function (fold) {
        fold.open = one.dataset.fold === "open";
      });
    });
  });

  function reveal() {
    var found = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var fold = found && found.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.open = true;
    }
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (fold) { fold.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (fold) { fold.open = false; });
  });

  document.querySelectorAll(".card").forEach(function (card) {
    var plot = card.querySelector(".plot");
    var readout = card.querySelector(".readout");
    var spots = Array.from(card.querySelectorAll(".spots circle"));
    var places = Array.from(new Set(spots.map(function (spot) { return +spot.getAttribute("cx"); })));
    places.sort(function (a, b) { return a - b; });
    var now = -1;
    function at(n) {
      now = n;
      var said = [];
      spots.forEach(function (spot) {
        var on = n >= 0 && +spot.getAttribute("cx") === places[n];
        spot.classList.toggle("on", on);
        if (on) { said.push(spot.firstChild.textContent); }
      });
      readout.textContent = said.join("\n");
    }
    function nearest(x) {
      var best = 0;
      places.forEach(function (place, n) {
        if (Math.abs(place - x) < Math.abs(places[best] - x)) { best = n; }
      });
      return best;
    }
    if (!places.length) { return; }
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", card.querySelector("figcaption").textContent + ": left and right arrow keys read the values");
    plot.addEventListener("keydown", function (event) {
      var moves = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: places.length - 1 };
      if (event.key === "Escape") { at(-1); return; }
      if (!(event.key in moves)) { return; }
      event.preventDefault();
      at(Math.max(0, Math.min(places.length - 1, moves[event.key])));
    });
    plot.addEventListener("pointermove", function (event) {
      var box = plot.firstElementChild.getBoundingClientRect();
      var n = nearest((event.clientX - box.left) / box.width * 360);
      if (n !== now) { at(n); }
    });
    plot.addEventListener("pointerleave", function () { at(-1); });
  });
})();
