"use strict";
(() => {
const { report, rows, engine, jobs_told: jobsTold } = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const count = (number) => number.toLocaleString("en-US");
const percent = (share) => (100 * share).toFixed(1) + " %";

/** An element with a class and a text. */
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const COLOURS = { "forward": "forward", "data gradient": "data", "weight gradient": "weight" };
const severalPasses = new Set(rows.map(({ pass }) => pass)).size > 1;
const first = rows[0].begin;
const end = rows[rows.length - 1].end;
const name = (index) => report.layers[index].name + (severalPasses ? `, ${rows[index].pass}` : "");

/** Jobs of a row that are drawn one by one at most, and that are listed. */
const MOST_DRAWN = 400;
const MOST_LISTED = 200;

/** The row that is chosen, or -1, and the cycles that are shown. */
let chosen = -1;
let [from, to] = [first, end];

const place = (mark, begin, finish) => {
  const left = (100 * (begin - from)) / (to - from);
  mark.style.left = `${left}%`;
  if (finish !== undefined) mark.style.width = `${Math.max(0, (100 * (finish - from)) / (to - from) - left)}%`;
};

const drawTrack = (track, row, index) => {
  track.replaceChildren();
  if (row.end <= from || row.begin >= to) return;
  const colour = COLOURS[row.pass];
  const seen = row.jobs.filter(([begin, , , finish]) => finish > from && begin < to);
  const wide = chosen === index && seen.length <= MOST_DRAWN;
  if (!wide) {
    const bar = element("i", colour);
    place(bar, row.begin, row.end);
    track.append(bar);
    return;
  }
  for (const [begin, stationary, , finish] of seen) {
    const bar = element("i", colour);
    place(bar, begin, finish);
    // A gap at its end, to tell it from the next one.
    bar.style.borderRight = "1px solid var(--page)";
    bar.title = `cycles ${count(begin)} to ${count(finish)}`;
    const mark = element("i", "mark");
    place(mark, stationary);
    track.append(bar, mark);
  }
};

const drawAxis = () => {
  const marks = [0, 1, 2, 3, 4].map((quarter) => from + ((to - from) * quarter) / 4);
  $("axis").replaceChildren(
    ...marks.map((cycle) => {
      const mark = element("span", "", count(Math.round(cycle)));
      mark.style.left = `${(100 * (cycle - from)) / (to - from)}%`;
      return mark;
    }),
  );
};

const tableRow = (cell, cells) => {
  const line = element("tr");
  line.append(element("th", "", cells[0]), ...cells.slice(1).map((text) => element(cell, "", text)));
  return line;
};

const table = (place, heads, lines) => {
  const head = element("thead");
  head.append(tableRow("th", heads));
  const body = element("tbody");
  body.append(...lines.map((line) => tableRow("td", line)));
  place.replaceChildren(head, body);
};

const words = (index) => {
  const { tiles, cycles, bound_cycles: bound, ratio, multipliers_in_use: use } = report.layers[index];
  const { begin, end: finish } = rows[index];
  return (
    `${count(tiles)} job${tiles === 1 ? "" : "s"}, from cycle ${count(begin)} to cycle ${count(finish)}. ${count(cycles)} ` +
    `cycles, ${ratio.toFixed(3)} x the bound of ${count(bound)}; ${percent(use)} of the multipliers' cycles in use.`
  );
};

const showChosen = () => {
  const all = chosen < 0;
  $("chosen-title").textContent = all ? "All layers" : name(chosen);
  $("chosen-words").textContent = all
    ? `${count(report.tiles)} jobs in ${count(report.cycles)} cycles, ${report.ratio.toFixed(3)} x the bound of ` +
      `${count(report.bound_cycles)}; ${percent(report.multipliers_in_use)} of the multipliers' cycles in use.`
    : words(chosen);
  $("jobs").replaceChildren();
  $("jobs-note").textContent = "";
  if (all) return;
  if (!jobsTold) {
    $("jobs-note").textContent = "There are too many jobs to tell them one by one.";
    return;
  }
  const { jobs } = rows[chosen];
  const told = jobs.slice(0, MOST_LISTED);
  table(
    $("jobs"),
    ["job", "begins", "stationary in", "moving in", "ends", "cycles"],
    told.map(([begin, stationary, moving, finish], index) =>
      [String(index + 1), begin, stationary, moving, finish, finish - begin].map((it) =>
        typeof it === "number" ? count(it) : it,
      ),
    ),
  );
  const more = jobs.length - told.length;
  $("jobs-note").textContent =
    "In cycles of the simulation. A job begins behind the last result of the one before; what is stationary in it, and what " +
    `moves, may be in by then.${more > 0 ? ` ${count(more)} more jobs are not listed.` : ""}`;
};

const buttons = [];
const tracks = [];

const choose = (index) => {
  chosen = Math.max(-1, Math.min(rows.length - 1, index));
  [from, to] = [first, end];
  if (chosen >= 0) {
    const { begin, end: finish } = rows[chosen];
    const margin = Math.max(1, Math.round((finish - begin) / 10));
    [from, to] = [Math.max(first, begin - margin), Math.min(end, finish + margin)];
  }
  buttons.forEach((button, it) => button.setAttribute("aria-pressed", String(it === chosen)));
  $("all").setAttribute("aria-pressed", String(chosen < 0));
  rows.forEach((row, it) => drawTrack(tracks[it], row, it));
  drawAxis();
  showChosen();
};

rows.forEach((row, index) => {
  const line = element("li");
  const button = element("button", "", name(index));
  button.type = "button";
  button.title = name(index);
  button.addEventListener("click", () => choose(chosen === index ? -1 : index));
  const track = element("div", "track");
  buttons.push(button);
  tracks.push(track);
  line.append(button, track);
  $("gantt").append(line);
});
$("all").addEventListener("click", () => choose(-1));
$("previous").addEventListener("click", () => choose(Math.max(0, chosen - 1)));
$("next").addEventListener("click", () => choose(chosen + 1));

$("summary").textContent =
  `All values of ${count(report.frames)} frame${report.frames === 1 ? "" : "s"} are exact, compared with a reference in software.`;
$("gantt-note").textContent =
  "Each bar is a layer's time on the engine, in cycles of the simulation. Choose a layer to see its jobs; a job may be a tile of it.";
$("made").textContent = `Made by bpa-engine ${report.version} from the simulated Verilog of ${engine}.`;

const signs = [...new Set(rows.map(({ pass }) => pass))].map((pass) => {
  const entry = element("span");
  const sign = element("i");
  sign.style.background = `var(--${{ forward: "moves", data: "busy", weight: "waits" }[COLOURS[pass]]})`;
  entry.append(sign, pass);
  return entry;
});
const mark = element("span");
mark.append(element("i", "mark"), "the last beat of what is stationary in a job, of the layer chosen");
$("legend").append(...signs, mark);

table(
  $("figures"),
  ["layer", "jobs", "begins", "ends", "cycles", "bound", "ratio", "multipliers in use"],
  rows.map((row, index) => {
    const it = report.layers[index];
    return [
      name(index),
      count(it.tiles),
      count(row.begin),
      count(row.end),
      count(it.cycles),
      count(it.bound_cycles),
      it.ratio.toFixed(3),
      percent(it.multipliers_in_use),
    ];
  }),
);
choose(-1);
})();
