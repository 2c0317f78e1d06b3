// The page of the sensors: a lane of the canvas for each, drawn once for each frame of the screen, however many readings came.

import { WebSocketApp } from "/isosocket.js";
import { statusIn } from "/status.js";

const MAX_LANES = 24;
/** So many readings are across the canvas. */
const SPAN = 300;

const $ = (id) => document.getElementById(id);
const status = statusIn($("status"));
const canvas = $("canvas");
const pen = canvas.getContext("2d");
const isDark = matchMedia("(prefers-color-scheme: dark)");

let sensors = [];
let outputs = [];
/** Each a list of numbers: its own, the viewers, those behind, and the values. */
let readings = [];
/** Those that are drawn; at a pause, those that were there when it began. */
let shown = [];
let received = 0;
let skipped = 0;
let isPaused = false;
let isAsked = false;

const app = new WebSocketApp(new URL("/readings", location.href), {
  reconnect: { minDelay: 500, maxDelay: 10_000 },
  onOpen: () => status.open(),
  onMessage(_app, message) {
    if (typeof message === "string") begin(JSON.parse(message));
    else add(new Float64Array(message.slice().buffer)); // a copy, as floats must begin at a multiple of 8
  },
  onClose: (_app, code, reason, { retry }) => status.closed(code, reason, retry),
});

/** The first message of each connection: what was there before may be of another server. */
function begin(told) {
  sensors = told.sensors.slice(0, MAX_LANES);
  outputs = sensors.map(() => document.createElement("dd"));
  $("lanes").replaceChildren(...sensors.map(({ name }, index) => laneOf(name, index)));
  readings = [];
  received = 0;
  skipped = 0;
}

function laneOf(name, index) {
  const lane = document.createElement("div");
  lane.style.setProperty("--hue", hueOf(index));
  const title = document.createElement("dt");
  title.textContent = name;
  lane.append(title, outputs[index]);
  return lane;
}

function add(reading) {
  const last = readings.at(-1);
  if (last !== undefined) skipped += reading[0] - last[0] - 1;
  received++;
  readings.push(reading);
  if (readings.length > SPAN) readings.shift();
  if (!isPaused) show(readings.slice());
}

function show(list) {
  shown = list;
  if (!isAsked) requestAnimationFrame(draw);
  isAsked = true;
}

function draw() {
  isAsked = false;
  const [, viewers = 0, behind = 0, ...values] = shown.at(-1) ?? [];
  for (const [index, { unit }] of sensors.entries())
    outputs[index].textContent = `${values[index]?.toFixed(1) ?? "–"} ${unit}`;
  const figures = { received, skipped, viewers, behind };
  for (const [id, figure] of Object.entries(figures)) $(id).textContent = figure;

  pen.clearRect(0, 0, canvas.width, canvas.height);
  for (const index of sensors.keys()) drawLane(index);
}

/** The lower part of a lane, as its name and value stand above. */
function drawLane(index) {
  const { low, high } = sensors[index];
  const height = canvas.height / sensors.length;
  const bottom = (index + 1) * height;
  const scale = (0.55 * height) / (high - low);
  const newest = shown.at(-1)?.[0];
  const x = (number) => canvas.width * (1 - (newest - number) / (SPAN - 1));
  const path = new Path2D();
  for (const [number, , , ...values] of shown) path.lineTo(x(number), bottom - (values[index] - low) * scale);
  const area = new Path2D(path);
  area.lineTo(canvas.width, bottom);
  area.lineTo(x(shown[0]?.[0]), bottom);
  const colour = isDark.matches ? `oklch(0.8 0.12 ${hueOf(index)}` : `oklch(0.6 0.15 ${hueOf(index)}`;
  pen.fillStyle = `${colour} / 0.15)`;
  pen.fill(area);
  pen.strokeStyle = `${colour})`;
  pen.lineWidth = 1.75 * devicePixelRatio;
  pen.lineJoin = "round";
  pen.stroke(path);
}

function hueOf(index) {
  return (250 + index * 67) % 360;
}

$("pause").onclick = () => {
  isPaused = !isPaused;
  $("pause").setAttribute("aria-pressed", isPaused);
  show(readings.slice());
};
isDark.onchange = () => show(shown);
new ResizeObserver(() => {
  canvas.width = canvas.clientWidth * devicePixelRatio;
  canvas.height = canvas.clientHeight * devicePixelRatio;
  show(shown);
}).observe(canvas);

status.connecting();
app.runForever();
