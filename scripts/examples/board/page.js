// The page of a board. A stroke is drawn as soon as the pen moves, and once more when the server tells it to all, in the order
// that all have. What is drawn while there is no connection waits in the outbox.

import { WebSocketApp } from "/isosocket.js";
import { statusIn } from "/status.js";

/** Coordinates are whole numbers from 0 to this, whatever the size of the paper. */
const SIZE = 10_000;
/** Each stands out on light paper and on dark; the first is black or white. */
const INKS = [
  { name: "Ink", light: "#1b1c1e", dark: "#eceef0" },
  { name: "Blue", light: "#2b56cf", dark: "#8aa9ff" },
  { name: "Green", light: "#1b8a4b", dark: "#4cc884" },
  { name: "Red", light: "#c8323a", dark: "#f5858a" },
  { name: "Yellow", light: "#d09400", dark: "#efc15a" },
  { name: "Eraser", light: "#fdfdfb", dark: "#22262b" },
];

const $ = (id) => document.getElementById(id);
const status = statusIn($("status"));
const paper = $("paper"); // has the focus, and the canvas in it
const canvas = $("canvas");
const context = canvas.getContext("2d");
const isDark = matchMedia("(prefers-color-scheme: dark)");
const colour = (ink) => (isDark.matches ? INKS[ink].dark : INKS[ink].light);

/** What the server has. */
let strokes = [];
let ink = 0;

const app = new WebSocketApp(new URL(location.pathname, location.href), {
  reconnect: { minDelay: 500, maxDelay: 10_000 },
  outbox: { maxBytes: 1_000_000 },
  onOpen: () => status.open(),
  onMessage(_app, message) {
    const { type, strokes: picture, stroke, count } = JSON.parse(message);
    if (type === "picture") {
      strokes = picture;
      repaint();
    }
    if (type === "stroke") {
      strokes.push(stroke);
      paint(stroke);
    }
    if (type === "people")
      $("people").textContent = count === 1 ? "You are alone here" : `${count} people here`;
  },
  onClose: (_app, code, reason, { retry }) => status.closed(code, reason, retry),
});

function paint({ ink, width, points }) {
  const [across, down] = [canvas.width / SIZE, canvas.height / SIZE];
  context.strokeStyle = colour(ink);
  context.lineWidth = width * across;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  context.moveTo(points[0] * across, points[1] * down);
  for (let at = 2; at < points.length; at += 2) context.lineTo(points[at] * across, points[at + 1] * down);
  // A dot is a stroke that goes nowhere, of which nothing would be drawn.
  context.lineTo(points.at(-2) * across + 0.1, points.at(-1) * down);
  context.stroke();
}

function repaint() {
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const stroke of strokes) paint(stroke);
}

/** Where the pen was and what has not been sent, and the last point that was: the next part of the stroke goes on from there. */
let points = [];
let last = [];
let isDown = false;
let isAsked = false;

function press(at) {
  isDown = true;
  last = [];
  draw(at);
}

function lift() {
  leave();
  isDown = false;
}

/** Points leave once for each frame of the screen. */
function draw([x, y]) {
  if (!isDown) return;
  points.push(...[x, y].map((value) => Math.round(Math.min(Math.max(value, 0), SIZE))));
  if (points.length > 900) leave();
  if (!isAsked) requestAnimationFrame(leave);
  isAsked = true;
}

function leave() {
  isAsked = false;
  if (points.length === 0) return;
  const stroke = { ink, width: Number($("width").value), points: [...last, ...points] };
  last = points.slice(-2);
  points = [];
  paint(stroke);
  app.send(JSON.stringify(stroke));
}

// With a finger, a pen or a mouse.

function place({ clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [((clientX - left) / width) * SIZE, ((clientY - top) / height) * SIZE];
}

canvas.onpointerdown = (event) => {
  if (!event.isPrimary || event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  $("pen").hidden = true;
  press(place(event));
};
canvas.onpointermove = (event) => {
  if (event.isPrimary) for (const moved of event.getCoalescedEvents()) draw(place(moved));
};
canvas.onpointerup = lift;
canvas.onpointercancel = lift;

// With the keyboard.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let [x, y] = [SIZE / 2, SIZE / 2];

paper.onkeydown = (event) => {
  const arrow = ARROWS[event.key];
  if (arrow === undefined && event.key !== " ") return;
  event.preventDefault();
  const step = event.shiftKey ? 40 : 200;
  if (arrow === undefined) isDown ? lift() : press([x, y]);
  else {
    x = Math.min(Math.max(x + arrow[0] * step, 0), SIZE);
    y = Math.min(Math.max(y + arrow[1] * step * 1.5, 0), SIZE); // the paper is half as wide again as it is high
    draw([x, y]);
  }
  $("pen").hidden = false;
  $("pen").className = isDown ? "down" : "";
  $("pen").style.left = `${(x / SIZE) * 100}%`;
  $("pen").style.top = `${(y / SIZE) * 100}%`;
};
paper.onblur = () => {
  lift();
  $("pen").hidden = true;
};

// The controls.

for (const [index, { name }] of INKS.entries()) {
  const choice = document.createElement("input");
  choice.type = "radio";
  choice.name = "ink";
  choice.ariaLabel = name;
  choice.title = name;
  choice.checked = index === ink;
  choice.onchange = () => {
    ink = index;
  };
  $("inks").append(choice);
}
$("clear").onclick = () => app.send(JSON.stringify({ clear: true }));
$("go").onsubmit = (event) => {
  event.preventDefault();
  location.pathname = `/boards/${$("other").value}`;
};
$("name").textContent = location.pathname.split("/").at(-1);

/** At the beginning, and when the colours change: those of the inks, and of all that was drawn. */
function recolour() {
  for (const [index, choice] of [...$("inks").elements].entries())
    choice.style.setProperty("--ink-here", colour(index));
  repaint();
}
isDark.onchange = recolour;
new ResizeObserver(() => {
  canvas.width = canvas.clientWidth * devicePixelRatio;
  canvas.height = canvas.clientHeight * devicePixelRatio;
  repaint();
}).observe(canvas);

recolour();
status.connecting();
app.runForever();
