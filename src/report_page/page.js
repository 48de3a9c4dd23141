"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const count = (number) => number.toLocaleString("en-US");
const percent = (share) => (100 * share).toFixed(1) + " %";
const { moving, stationary, result } = data.arrays;

/** An element with a class and a text. */
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

/** What differences add up to. */
const summed = (differences) => {
  let sum = 0;
  return differences.map((difference) => (sum += difference));
};

/** How many of the sorted numbers are below a limit. */
const below = (numbers, limit) => {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
};

// What was recorded, by cycle and by issue.

const cycles = data.window.cycles;
const issueCycles = summed(data.issues.cycle);
const resultStarts = [0, ...summed(data.results.issues)];
const stored = summed(data.line.stored);
const freedCycles = summed(data.line.freed.map(([cycle]) => cycle));
const freedCounts = summed(data.line.freed.map(([, freed]) => freed));
const [keptRow, keptCol, keptRows, keptCols] = data.line.kept;

const busy = new Uint8Array(cycles);
for (const cycle of issueCycles) busy[cycle] = 1;

const IDLE = 0, MOVES = 1, WAITS = 2, ZERO = 3;
const streams = data.streams.map(({ name, inward, runs }) => {
  const states = new Uint8Array(cycles);
  let from = 0;
  for (let run = 0; run < runs.length; run += 2) {
    states.fill(runs[run], from, from + runs[run + 1]);
    from += runs[run + 1];
  }
  return { name, inward, states };
});

/** Pixels of the line buffer that came before a cycle, and those of them that were dead by then. */
const cameBefore = (cycle) => below(stored, cycle);
const deadBefore = (cycle) => {
  const events = below(freedCycles, cycle + 1);
  return events > 0 ? freedCounts[events - 1] : 0;
};
const fill = new Int32Array(cycles);
for (let cycle = 0; cycle < cycles; cycle += 1) fill[cycle] = cameBefore(cycle + 1) - deadBefore(cycle);

/** Row and column of a pixel that is stored, and its frame. */
const pixelAt = (index) => {
  const frame = Math.floor(index / (keptRows * keptCols));
  const within = index % (keptRows * keptCols);
  return { frame, row: keptRow + Math.floor(within / keptCols), col: keptCol + (within % keptCols) };
};
const tapAt = (index) => ({ row: Math.floor(index / stationary.cols), col: index % stationary.cols });

const range = (what, first, last) => (first === last ? `${what} ${first}` : `${what}s ${first} to ${last}`);

/** The channels of a word of what moves, in words, and how many they are. */
const movingChannels = (word) => {
  const { groups, moving_per_group: each, simd, pe, depthwise, moving_unit: unit } = data.channels;
  const blocks = Math.ceil(each / simd);
  const [group, block] = [Math.floor(word / blocks), word % blocks];
  const [first, last] = [block * simd, Math.min((block + 1) * simd, each) - 1];
  if (depthwise) {
    const [from, to] = [group * pe, Math.min((group + 1) * pe, groups) - 1];
    const words = each === 1 && unit === "channel"
      ? range("channel", from, to)
      : `${range(unit, first, last)} of ${range("group", from, to)}`;
    return { words, lanes: last - first + 1 };
  }
  if (unit === "channel") {
    return { words: range(unit, group * each + first, group * each + last), lanes: last - first + 1 };
  }
  const of = groups > 1 ? ` of group ${group}` : "";
  return { words: range(unit, first, last) + of, lanes: last - first + 1 };
};

/** The same of a block of the result. */
const resultChannels = (block) => {
  const { groups, result_per_group: each, pe, depthwise } = data.channels;
  const blocks = Math.ceil(each / pe);
  const [first, last] = depthwise
    ? [block * pe, Math.min((block + 1) * pe, groups) - 1]
    : [
        Math.floor(block / blocks) * each + (block % blocks) * pe,
        Math.floor(block / blocks) * each + Math.min(((block % blocks) + 1) * pe, each) - 1,
      ];
  return { words: range("channel", first, last), lanes: last - first + 1 };
};

// The layer, its cycles, its blocks

const figures = data.figures;

const showLayer = () => {
  for (const [name, words] of data.words) {
    $("words").append(element("dt", "", name), element("dd", "", words));
  }
  $("summary").textContent =
    `All ${count(data.values)} values of ${count(data.window.frames)} simulated frames are exact, compared with a ` +
    "reference in software.";
  $("made").textContent = `Made by bpa-engine ${data.version} from the simulated Verilog.`;
};

const showCycles = () => {
  const bound = figures.bound_cycles;
  const rows = [
    ["bound", bound, ""],
    ["measured, steady", figures.cycles_per_frame_steady, "engine"],
    ["measured, first frame", figures.cycles_first_frame, "engine"],
    ["zero insertion", figures.zero_insertion_cycles, ""],
  ].filter(([, value]) => value !== null);
  const most = Math.max(...rows.map(([, value]) => value));
  for (const [name, value, kind] of rows) {
    const bar = element("div", "bar " + kind);
    const track = element("div", "track");
    const length = element("div", "length");
    length.style.width = `${(60 * value) / most}%`;
    track.append(length, element("span", "value", `${count(value)} (${(value / bound).toFixed(2)} x)`));
    bar.append(element("span", "", name), track);
    $("bars").append(bar);
  }
  const useful = figures.useful_macs / (figures.cycles_per_frame_steady * data.multipliers);
  $("cycles-note").textContent =
    "The bound is what no engine with these lanes can beat: one use of the multipliers, one beat in and one beat out a " +
    `cycle. In the steady frame ${percent(useful)} of ${count(data.multipliers)} multipliers' cycles are useful. Zero ` +
    "insertion is what an engine takes that also multiplies the zeros between the values.";
};

const showSynthesis = () => {
  const found = data.synthesised;
  if (!found) {
    $("synthesis").append(
      element("p", "", "Not synthesised. To have it here, run bpa synth with --json on this layer, and bpa report with --synth on what it printed."),
    );
    return;
  }
  const table = element("table");
  const row = (name, value) => {
    const line = element("tr");
    line.append(element("th", "", name), element("td", "", value));
    table.append(line);
  };
  row("Device", found.target);
  row("LUTs", count(found.luts));
  row("LUTs as memories", count(found.lut_rams));
  row("Flip-flops", count(found.ffs));
  row("Multipliers", count(found.dsps));
  row("Block RAMs", count(found.brams));
  if (found.fmax_mhz_median !== null) {
    row("Fmax, median", `${found.fmax_mhz_median.toFixed(1)} MHz`);
    const frames = (1e6 * found.fmax_mhz_median) / (figures.cycles_per_frame_steady ?? figures.cycles_first_frame);
    row("Frames a second at that", count(Math.round(frames)));
  }
  $("synthesis").append(table);
};

const svg = (tag, attributes, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

const showDiagram = () => {
  const labels = new Map(data.blocks);
  for (const place of document.querySelectorAll("#diagram [data-label]")) {
    const [block, line] = place.dataset.label.split(".");
    place.textContent = labels.get(block)[Number(line)];
  }
  for (const place of document.querySelectorAll("#diagram [data-stream]")) {
    place.textContent = data.arrays[place.dataset.stream].stream;
  }
  for (const block of document.querySelectorAll("#diagram [data-block]")) {
    const [x, y, w, h] = ["x", "y", "w", "h"].map((side) => Number(block.dataset[side]));
    const middle = x + w / 2;
    const [top, below] = labels.get(block.dataset.block);
    const words = [["name", block.dataset.name, -15], ["note", top, 6], ["note", below, 23]];
    block.append(svg("rect", { x, y, width: w, height: h, rx: 5 }));
    for (const [kind, text, offset] of words) {
      const line = svg("text", { x: middle, y: y + h / 2 + offset, class: kind }, text);
      block.append(line);
      // What is wider than its block is drawn narrower.
      if (line.getComputedTextLength() > w - 8) {
        line.setAttribute("textLength", w - 8);
        line.setAttribute("lengthAdjust", "spacingAndGlyphs");
      }
    }
  }
};

// The frame as a timeline

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const STATE_COLOURS = { [MOVES]: "moves", [WAITS]: "waits", [ZERO]: "zeros" };

/** A canvas ready to be drawn on, in pixels of the page. */
const prepared = (canvas, height) => {
  const width = canvas.clientWidth;
  const scale = window.devicePixelRatio || 1;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.clearRect(0, 0, width, height);
  context.font = '12px "DejaVu Sans", Verdana, Arial, sans-serif';
  context.textBaseline = "middle";
  return { context, width };
};

/** Rows of a timeline: their names and heights. */
const rows = [
  { name: "multipliers", height: 34 },
  { name: "line buffer", height: 58 },
  ...streams.map(({ name }) => ({ name, height: 34 })),
];
const GUTTER = 178;
const GAP = 8;
const AXIS = 26;
const timelineHeight = rows.reduce((sum, { height }) => sum + height + GAP, AXIS);

/** Cycles at which an axis has its marks: about so many, at round numbers. */
const marks = (first, last, wanted) => {
  const rough = Math.max(1, (last - first) / wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((it) => it >= rough);
  const all = [];
  for (let at = Math.ceil(first / step) * step; at < last; at += step) all.push(at);
  return all;
};

/** Draws the cycles from `first` on, `shown` of them, in a canvas; marks the cycle `now`. */
const drawTimeline = (canvas, first, shown, now) => {
  const { context, width } = prepared(canvas, timelineHeight);
  const room = Math.max(50, width - GUTTER - 12);
  const x = (cycle) => GUTTER + ((cycle - first) / shown) * room;
  const bins = Math.min(shown, Math.floor(room));
  const last = Math.min(first + shown, cycles);
  let y = AXIS;
  rows.forEach(({ name, height }, index) => {
    context.fillStyle = colour("text");
    context.textAlign = "right";
    context.fillText(name, GUTTER - 10, y + height / 2, GUTTER - 14);
    context.fillStyle = colour("panel");
    context.fillRect(GUTTER, y, room, height);
    for (let bin = 0; bin < bins; bin += 1) {
      const from = first + Math.floor((bin * shown) / bins);
      const to = Math.min(last, Math.max(from + 1, first + Math.floor(((bin + 1) * shown) / bins)));
      if (from >= last) break;
      // On whole pixels, or neighbours would shine through where they meet; cycles that are wide stand apart.
      const left = Math.round(x(from));
      const wide = Math.max(1, Math.round(x(to)) - left - (room / shown > 4 ? 1 : 0));
      const part = (share, name, offset) => {
        context.fillStyle = colours[name];
        context.fillRect(left, y + height * (1 - offset - share), wide, height * share);
        return offset + share;
      };
      const share = (states, wanted) => {
        let found = 0;
        for (let cycle = from; cycle < to; cycle += 1) found += states[cycle] === wanted ? 1 : 0;
        return found / (to - from);
      };
      if (index === 0) part(share(busy, 1), "busy", 0);
      else if (index === 1) {
        let most = 0;
        for (let cycle = from; cycle < to; cycle += 1) most = Math.max(most, fill[cycle]);
        part(Math.min(1, most / data.line.pixels), "fill", 0);
      } else {
        let offset = 0;
        for (const state of [MOVES, ZERO, WAITS]) {
          offset = part(share(streams[index - 2].states, state), STATE_COLOURS[state], offset);
        }
      }
    }
    y += height + GAP;
  });
  context.textAlign = "center";
  for (const at of marks(first, first + shown, Math.max(2, room / 110))) {
    context.fillStyle = colour("muted");
    context.fillText(count(at), x(at), AXIS / 2 - 2);
    context.fillRect(x(at), AXIS - 8, 1, 5);
  }
  context.textAlign = "right";
  context.fillStyle = colour("muted");
  context.fillText("cycle", GUTTER - 10, AXIS / 2 - 2);
  if (now >= first && now < first + shown) {
    const wide = Math.max(2, room / shown);
    context.strokeStyle = colour("use");
    context.lineWidth = 2;
    context.strokeRect(x(now), AXIS - 4, wide, timelineHeight - AXIS - GAP + 8);
  }
};

let colours = {};
const readColours = () => {
  colours = Object.fromEntries(["busy", "fill", "moves", "waits", "zeros"].map((name) => [name, colour(name)]));
};

const legend = (place, entries) => {
  place.replaceChildren(
    ...entries.map(([name, words]) => {
      const entry = element("span");
      const sign = element("i");
      sign.style.background = name;
      entry.append(sign, words);
      return entry;
    }),
  );
};

const showFrame = () => {
  const { cycles: shown, frame } = data.window;
  const part = shown < frame
    ? `The first ${count(shown)} of its ${count(frame)} cycles are shown: a larger part would make this page too large.`
    : `All of its ${count(frame)} cycles are shown.`;
  $("frame-note").textContent =
    `The first frame, from the cycle of its first beat. ${part} Weights are in place; nothing outside makes the engine ` +
    `wait. The line buffer has room for ${count(data.line.pixels)} pixels.`;
  legend($("legend"), [
    ["var(--busy)", "multipliers at work"],
    ["var(--fill)", "pixels alive in the line buffer"],
    ["var(--moves)", "a beat moves"],
    ["var(--zeros)", "a beat of zeros moves, which no tap reaches"],
    ["var(--waits)", "a beat waits to be taken"],
  ]);
  const table = $("shares");
  const row = (cell, cells) => {
    const line = element("tr");
    line.append(element("th", "", cells[0]), ...cells.slice(1).map((text) => element(cell, "", text)));
    return line;
  };
  const head = element("thead");
  head.append(row("th", ["", "at work, or moves", "zeros", "waits", "idle"]));
  const body = element("tbody");
  body.append(row("td", ["multipliers", percent(issueCycles.length / cycles), "", "", percent(1 - issueCycles.length / cycles)]));
  for (const { name, inward, states } of streams) {
    const share = (state) => states.reduce((sum, it) => sum + (it === state ? 1 : 0), 0) / cycles;
    const zeros = inward ? "" : percent(share(ZERO));
    body.append(row("td", [name, percent(share(MOVES)), zeros, percent(share(WAITS)), percent(share(IDLE))]));
  }
  table.append(head, body);
  $("overview").setAttribute(
    "aria-label",
    `Timeline of ${count(cycles)} cycles: multipliers, line buffer, and the streams ${streams.map(({ name }) => name).join(", ")}. The table below has the shares.`,
  );
};

// Issue by issue

/** Rows and columns that a grid shows at most. */
const MOST_CELLS = 13;

/** From where on so many places of an axis are shown, that a focus is in the middle. */
const windowOf = (size, focus) => {
  const shown = Math.min(size, MOST_CELLS);
  const first = Math.max(0, Math.min(size - shown, focus - (shown >> 1)));
  return { first, shown };
};

const drawGrid = (name, array, focus, classOf, label) => {
  const grid = $(`${name}-grid`);
  const rows = windowOf(array.rows, focus.row);
  const cols = windowOf(array.cols, focus.col);
  grid.style.gridTemplateColumns = `repeat(${cols.shown + 1}, auto)`;
  const cells = [element("b")];
  for (let col = 0; col < cols.shown; col += 1) cells.push(element("b", "", String(cols.first + col)));
  for (let row = 0; row < rows.shown; row += 1) {
    cells.push(element("b", "", String(rows.first + row)));
    for (let col = 0; col < cols.shown; col += 1) {
      cells.push(element("span", "cell " + classOf(rows.first + row, cols.first + col)));
    }
  }
  grid.replaceChildren(...cells);
  grid.setAttribute("aria-label", label);
  const part = rows.shown < array.rows || cols.shown < array.cols ? ", in part" : "";
  $(`${name}-title`).textContent = `${array.symbol} (${array.name}), ${array.rows} x ${array.cols}${part}`;
};

const at = (symbol, row, col) => `${symbol}[${row}, ${col}]`;

let present = 0;

/** What is known of an issue. */
const issueAt = (index) => {
  const number = below(resultStarts, index + 1) - 1;
  const [first, end] = [resultStarts[number], resultStarts[number + 1]];
  const { results, issues } = data;
  return {
    index,
    number,
    first,
    end,
    cycle: issueCycles[index],
    frame: results.frame[number],
    row: results.row[number],
    col: results.col[number],
    block: results.block[number],
    pixel: issues.pixel[index],
    word: issues.word[index],
    tap: issues.tap[index],
  };
};

const product = (index) => {
  const pixel = pixelAt(data.issues.pixel[index]);
  const tap = tapAt(data.issues.tap[index]);
  return `${at(moving.symbol, pixel.row, pixel.col)} · ${at(stationary.symbol, tap.row, tap.col)}`;
};

/** Chips of products shown at most. */
const MOST_CHIPS = 48;

const showTaps = ({ index, first, end }) => {
  // Issues of one tap that differ in their channels alone are one chip: the first of them and how many.
  const { pixel, tap } = data.issues;
  const products = [];
  for (let it = first; it < end; it += 1) {
    const same = it > first && pixel[it] === pixel[it - 1] && tap[it] === tap[it - 1];
    if (same) products[products.length - 1].issues += 1;
    else products.push({ from: it, issues: 1 });
  }
  const here = products.findIndex(({ from, issues }) => index < from + issues);
  const from = Math.max(0, Math.min(products.length - MOST_CHIPS, here - (MOST_CHIPS >> 1)));
  const to = Math.min(products.length, from + MOST_CHIPS);
  const chips = [];
  if (from > 0) chips.push(element("li", "more", `${from} before`));
  products.slice(from, to).forEach((it, place) => {
    const now = from + place === here;
    const of = it.issues > 1 ? `: ${now ? `${index - it.from + 1} of ` : ""}${it.issues} blocks` : "";
    const chip = element("li", now ? "use" : from + place < here ? "past" : "", product(it.from) + of);
    if (now) chip.setAttribute("aria-current", "step");
    chips.push(chip);
  });
  if (to < products.length) chips.push(element("li", "more", `${products.length - to} more`));
  $("taps").replaceChildren(...chips);
  const taps = new Set(data.issues.tap.slice(first, end));
  const whole = end < issueCycles.length || cycles >= data.window.frame;
  const all = stationary.rows * stationary.cols;
  const others = all - taps.size;
  const not = others === 1 ? "the other one" : `the other ${count(others)}`;
  $("spared").textContent = !whole
    ? ""
    : others === 0
      ? `All ${count(all)} values of ${stationary.symbol} meet a value of ${moving.symbol} here.`
      : `${count(taps.size)} of the ${count(all)} values of ${stationary.symbol} meet a value of ${moving.symbol} here; ` +
        `${not} would meet ${data.spared}, and ${others === 1 ? "is" : "are"} not issued.`;
};

const showGrids = (it) => {
  const { index, first, end, cycle, frame } = it;
  const pixels = new Set(data.issues.pixel.slice(first, end));
  const taps = new Set(data.issues.tap.slice(first, end));
  const [came, dead] = [cameBefore(cycle), deadBefore(cycle)];
  const use = pixelAt(it.pixel);
  const tap = tapAt(it.tap);
  drawGrid(
    "moving",
    moving,
    use,
    (row, col) => {
      const [r, c] = [row - keptRow, col - keptCol];
      if (r < 0 || c < 0 || r >= keptRows || c >= keptCols) return "zero";
      const stored = (frame * keptRows + r) * keptCols + c;
      if (stored === it.pixel) return "use";
      if (pixels.has(stored)) return "tap";
      return stored >= dead && stored < came ? "alive" : "";
    },
    `${moving.symbol}: row ${use.row}, column ${use.col} is multiplied; the result takes from ${pixels.size} pixels.`,
  );
  drawGrid(
    "stationary",
    stationary,
    tap,
    (row, col) => {
      const here = row * stationary.cols + col;
      return here === it.tap ? "use" : taps.has(here) ? "tap" : "";
    },
    `${stationary.symbol}: row ${tap.row}, column ${tap.col} is in use; the result takes ${taps.size}.`,
  );
  const [rowTaps, colTaps] = data.result_taps;
  drawGrid(
    "result",
    result,
    it,
    (row, col) => {
      if (row === it.row && col === it.col) return "use";
      if (rowTaps[row] === "0" || colTaps[col] === "0") return "zero";
      return row < it.row || (row === it.row && col < it.col) ? "done" : "";
    },
    `${result.symbol}: row ${it.row}, column ${it.col} is computed.`,
  );
  showLine(it, pixels, came, dead, use, index);
};

/** Places of the line buffer that are shown at most. */
const MOST_PLACES = 240;

const showLine = (it, pixels, came, dead) => {
  const all = data.line.pixels;
  const shown = Math.min(all, MOST_PLACES);
  const here = it.pixel % all;
  const first = Math.max(0, Math.min(all - shown, here - (shown >> 1)));
  const places = [];
  for (let place = first; place < first + shown; place += 1) {
    // The latest pixel that came here.
    const latest = came - 1 - ((((came - 1 - place) % all) + all) % all);
    if (latest < 0) {
      places.push(element("span", "cell dead", "empty"));
      continue;
    }
    const { frame, row, col } = pixelAt(latest);
    const kind = latest === it.pixel ? "use" : latest < dead ? "dead" : pixels.has(latest) ? "tap" : "alive";
    places.push(element("span", "cell " + kind, (frame === it.frame ? "" : `f${frame}: `) + `${row}, ${col}`));
  }
  $("line").replaceChildren(...places);
  const part = shown < all ? ` Places ${first} to ${first + shown - 1} are shown.` : "";
  $("line-note").textContent =
    `${count(came - dead)} of ${count(all)} places hold a pixel that is alive. Row and column of the pixel in each place, in ` +
    `the order of the addresses; a dashed one is dead and may be written over.${part}`;
  $("line").setAttribute("aria-label", `Line buffer: the issue reads place ${here} of ${all}.`);
};

const DETAIL = 60;

const drawDetail = (cycle) => {
  const shown = Math.min(cycles, DETAIL);
  const first = Math.max(0, Math.min(cycles - shown, cycle - (shown >> 1)));
  drawTimeline($("detail"), first, shown, cycle);
  const now = streams.map(({ name, states }) => `${name} ${["is idle", "moves", "waits", "moves zeros"][states[cycle]]}`);
  $("detail").setAttribute("aria-label", `Cycles ${first} to ${first + shown - 1}. In cycle ${cycle} ${now.join(", ")}.`);
};

let drawing = 0;

const show = (index) => {
  present = Math.max(0, Math.min(issueCycles.length - 1, index));
  const it = issueAt(present);
  const [read, made] = [movingChannels(it.word), resultChannels(it.block)];
  const all = cycles < data.window.frame ? `${count(issueCycles.length)} shown` : count(issueCycles.length);
  $("slider").value = String(present);
  $("slider").setAttribute("aria-valuetext", `issue ${present + 1}, cycle ${it.cycle}`);
  $("cycle").value = String(it.cycle);
  $("issue").textContent =
    `Issue ${count(present + 1)} of ${all}, in cycle ${count(it.cycle)}: product ${it.index - it.first + 1} of ` +
    `${it.end - it.first} for ${at(result.symbol, it.row, it.col)}` + (it.frame > 0 ? ` of frame ${it.frame}` : "");
  $("equation").textContent = `${at(result.symbol, it.row, it.col)} += ${product(present)}`;
  const sum = read.lanes > 1 ? `, summed over ${read.words}` : `, of ${read.words}`;
  $("product").textContent =
    `${made.words} of ${result.name}${sum} of ${moving.name}: ${count(read.lanes * made.lanes)} multiplications`;
  showTaps(it);
  showGrids(it);
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => {
    drawDetail(it.cycle);
    drawTimeline($("overview"), 0, cycles, it.cycle);
  });
  remember();
};

// The address tells the issue, so that a page can be shown to somebody at one. Not at each step: browsers forbid that.
let remembering = 0;
const remember = () => {
  clearTimeout(remembering);
  remembering = setTimeout(() => history.replaceState(null, "", `#issue=${present + 1}`), 400);
};

const followAddress = () => {
  const wanted = /^#issue=([0-9]+)$/.exec(location.hash);
  if (!wanted) return false;
  show(Number(wanted[1]) - 1);
  return true;
};

/** The issue in a cycle, or the next one. */
const issueIn = (cycle) => Math.min(issueCycles.length - 1, below(issueCycles, cycle));

let playing = 0;
const play = (on) => {
  clearInterval(playing);
  playing = on
    ? setInterval(() => {
        if (present + 1 < issueCycles.length) show(present + 1);
        else play(false);
      }, 300)
    : 0;
  $("play").textContent = on ? "Stop" : "Play";
  $("play").setAttribute("aria-pressed", String(on));
};

const startStepper = () => {
  legend($("grid-legend"), [
    ["var(--use)", "in use"],
    ["var(--tap)", "also part of this result"],
    ["var(--alive)", "alive in the line buffer"],
    ["var(--done)", "result that is done"],
    ["repeating-linear-gradient(135deg, var(--zero) 0 3px, transparent 3px 7px)", "no tap reaches it, or it is not stored"],
  ]);
  $("slider").max = String(issueCycles.length - 1);
  $("cycle").max = String(cycles - 1);
  const stepTo = (pick) => () => {
    play(false);
    show(pick());
  };
  $("slider").addEventListener("input", stepTo(() => Number($("slider").value)));
  $("cycle").addEventListener("change", stepTo(() => issueIn(Number($("cycle").value) || 0)));
  $("first-issue").addEventListener("click", stepTo(() => 0));
  $("previous-issue").addEventListener("click", stepTo(() => present - 1));
  $("next-issue").addEventListener("click", stepTo(() => present + 1));
  $("previous-result").addEventListener("click", stepTo(() => {
    const { number } = issueAt(present);
    return resultStarts[Math.max(0, number - 1)];
  }));
  $("next-result").addEventListener("click", stepTo(() => issueAt(present).end));
  $("play").addEventListener("click", () => play(playing === 0));
  $("overview").addEventListener("click", (event) => {
    const room = $("overview").clientWidth - GUTTER - 12;
    play(false);
    show(issueIn(Math.round(((event.offsetX - GUTTER) / room) * cycles)));
  });
  window.addEventListener("hashchange", followAddress);
  if (!followAddress()) show(0);
};

const redraw = () => {
  readColours();
  if (issueCycles.length > 0) {
    const { cycle } = issueAt(present);
    drawDetail(cycle);
    drawTimeline($("overview"), 0, cycles, cycle);
  } else {
    drawTimeline($("overview"), 0, cycles, -1);
  }
};

readColours();
showLayer();
showCycles();
showSynthesis();
showDiagram();
showFrame();
if (issueCycles.length > 0) {
  startStepper();
} else {
  $("stepper").hidden = true;
  $("no-issues").hidden = false;
}
redraw();
window.addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
})();
