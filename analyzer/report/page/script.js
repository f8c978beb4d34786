"use strict";
(() => {
  const word = document.body.dataset;
  const make = (tag, text, into) => { const e = document.createElement(tag); if (text) e.textContent = text; if (into) into.append(e); return e; };

  // The switch for contractors: one reading at a time, where both stand without a script.
  const bar = document.querySelector(".bar");
  if (bar) {
    bar.hidden = false;
    const set = (reading) => { document.body.classList.toggle("only-apart", reading === "apart"); document.body.classList.toggle("only-merged", reading === "merged"); };
    bar.addEventListener("change", (e) => set(e.target.value));
    set(bar.querySelector("input:checked").value);
  }

  for (const b of document.querySelectorAll("button.copy")) {
    b.hidden = false;
    b.addEventListener("click", async () => {
      const text = b.previousElementSibling.textContent;
      try { await navigator.clipboard.writeText(text); } catch {
        const r = document.createRange(); r.selectNodeContents(b.previousElementSibling);
        const s = getSelection(); s.removeAllRanges(); s.addRange(r); document.execCommand("copy");
      }
      b.textContent = word.copied; setTimeout(() => { b.textContent = word.copy; }, 1500);
    });
  }
  document.addEventListener("keydown", (e) => { if (e.key === "Escape" && document.activeElement.closest(".card, .how")) document.activeElement.blur(); });

  const value = (cell) => cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
  for (const table of document.querySelectorAll("table.data")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((th, i) => {
      const b = document.createElement("button"); b.type = "button"; b.title = word.sort; b.append(...th.childNodes); th.append(b);
      b.addEventListener("click", () => {
        const up = th.getAttribute("aria-sort") === (th.classList.contains("n") ? "descending" : "ascending") ? -1 : 1;
        const dir = th.classList.contains("n") ? -up : up;
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", dir > 0 ? "ascending" : "descending");
        const rows = [...table.tBodies[0].rows].map((r) => [value(r.cells[i]), r]);
        rows.sort(([a], [c]) => dir * (typeof a === "number" && typeof c === "number" ? a - c : String(a).localeCompare(String(c))));
        table.tBodies[0].append(...rows.map(([, r]) => r));
      });
    });
    const tools = document.createElement("div"); tools.className = "tools";
    const save = make("button", word.csv, tools); save.type = "button"; save.className = "csv";
    save.addEventListener("click", () => {
      const field = (cell) => {
        let s = cell.dataset.v !== undefined ? cell.dataset.v : cell.textContent.trim();
        if (cell.dataset.v === undefined && /^[=+\-@\t\r]/.test(s)) s = "'" + s; // a spreadsheet would take it for a formula
        return /[",\n]/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s;
      };
      const text = [...table.rows].map((r) => [...r.cells].map(field).join(",")).join("\r\n") + "\r\n";
      const a = document.createElement("a"); a.href = URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv" })); a.download = table.id + ".csv";
      a.click(); setTimeout(() => URL.revokeObjectURL(a.href), 1000);
    });
    table.closest(".scroll").before(tools);
  }

  const net = document.querySelector(".net");
  if (!net) return;
  const svg = net.querySelector("svg"), tools = document.querySelector(".net-tools");
  tools.hidden = false;
  const home = svg.getAttribute("viewBox").split(" ").map(Number);
  let view = [...home];
  const clamp = (x, lo, hi) => Math.min(hi, Math.max(lo, x));
  const show = () => {
    for (const i of [0, 1]) view[i] = clamp(view[i], home[i] - view[i + 2] / 2, home[i] + home[i + 2] - view[i + 2] / 2); // the picture cannot be lost
    svg.setAttribute("viewBox", view.join(" ")); net.classList.toggle("zoomed", view[2] < home[2]);
  };
  // cx and cy are where the zoom holds still, from 0 to 1 of what is seen. It says whether anything has changed.
  const zoom = (f, cx = 0.5, cy = 0.5) => {
    const w = clamp(view[2] * f, home[2] / 40, home[2]), g = w / view[2];
    if (g === 1) return false;
    view = [view[0] + (1 - g) * view[2] * cx, view[1] + (1 - g) * view[3] * cy, w, view[3] * g];
    if (w === home[2]) view = [...home];
    show(); return true;
  };
  const pan = (dx, dy) => { view[0] += dx * view[2]; view[1] += dy * view[3]; show(); };
  const reset = () => { view = [...home]; show(); };
  tools.querySelector(".in").addEventListener("click", () => zoom(0.7));
  tools.querySelector(".out").addEventListener("click", () => zoom(1 / 0.7));
  tools.querySelector(".reset").addEventListener("click", reset);
  const at = (x, y) => { const r = svg.getBoundingClientRect(); return [(x - r.left) / r.width, (y - r.top) / r.height]; };
  net.addEventListener("wheel", (e) => {
    const asked = e.ctrlKey || e.metaKey;
    if (!asked && document.activeElement !== net) return; // else nobody could scroll past
    if (zoom(e.deltaY < 0 ? 0.8 : 1.25, ...at(e.clientX, e.clientY)) || asked) e.preventDefault();
  }, { passive: false });
  const held = new Map(); // pointers that are down: one moves the picture, two zoom it
  const middle = () => { const p = [...held.values()]; return [0, 1].map((i) => p.reduce((sum, q) => sum + q[i], 0) / p.length); };
  const apart = () => { const p = [...held.values()]; return p.length < 2 ? 0 : Math.hypot(p[0][0] - p[1][0], p[0][1] - p[1][1]); };
  const drop = (e) => { held.delete(e.pointerId); net.classList.toggle("held", held.size > 0); };
  net.addEventListener("pointerdown", (e) => {
    if (e.button > 0) return;
    held.set(e.pointerId, at(e.clientX, e.clientY)); net.classList.add("held");
  });
  addEventListener("pointerup", drop); addEventListener("pointercancel", drop);
  addEventListener("pointermove", (e) => {
    if (!held.has(e.pointerId)) return;
    const [x, y] = middle(), was = apart();
    held.set(e.pointerId, at(e.clientX, e.clientY));
    const [u, v] = middle(), is = apart();
    pan(x - u, y - v);
    if (was > 0 && is > 0) zoom(was / is, u, v);
  });
  net.addEventListener("keydown", (e) => {
    const key = { "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1 / 0.7), 0: reset, ArrowLeft: () => pan(-0.1, 0), ArrowRight: () => pan(0.1, 0), ArrowUp: () => pan(0, -0.1), ArrowDown: () => pan(0, 0.1) }[e.key];
    if (key && !e.ctrlKey && !e.metaKey && !e.altKey) { e.preventDefault(); key(); }
  });
  const nodes = [...svg.querySelectorAll("circle[id], rect[id]")], lines = [...svg.querySelectorAll("path[data-a]")];
  const labels = [...svg.querySelectorAll("text")];
  const search = tools.querySelector("input"), pick = tools.querySelector("select"), told = tools.querySelector("output");
  const nameOf = (n) => n.querySelector("title").textContent;
  const update = () => {
    const q = search.value.trim().toLowerCase(), only = pick.value;
    const found = new Set(nodes.filter((n) => q && nameOf(n).toLowerCase().includes(q)).map((n) => n.id));
    const kept = new Set(only ? [only] : q ? found : nodes.map((n) => n.id));
    const near = new Set(kept);
    for (const l of lines) {
      const on = kept.has(l.dataset.a) || kept.has(l.dataset.b);
      l.classList.toggle("dim", !on);
      if (on) { near.add(l.dataset.a); near.add(l.dataset.b); }
    }
    for (const n of nodes) { n.classList.toggle("dim", !near.has(n.id)); n.classList.toggle("found", found.has(n.id)); }
    const names = nodes.filter((n) => near.has(n.id)).map(nameOf);
    for (const t of labels) { const text = t.textContent.replace("…", ""); t.classList.toggle("dim", !names.some((n) => n.startsWith(text))); }
    told.textContent = q ? word.found.replace("%s", String(found.size)) : "";
  };
  search.addEventListener("input", update); pick.addEventListener("change", update);
})();
