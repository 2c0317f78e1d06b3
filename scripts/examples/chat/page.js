// The page of the chat room. What others wrote goes into the page as text alone (textContent), never as HTML.

import { WebSocketApp } from "/isosocket.js";
import { statusIn } from "/status.js";

const $ = (id) => document.getElementById(id);
const status = statusIn($("status"));
let me = "";

const app = new WebSocketApp(new URL("/chat", location.href), {
  reconnect: { minDelay: 500, maxDelay: 10_000 },
  onOpen: (app) => app.send($("name").value), // also when connected again
  onMessage: (_app, message) => hear(JSON.parse(message)),
  onClose(_app, code, reason, { retry }) {
    status.closed(code, reason, retry);
    setSending(false);
    if (retry === undefined) showRoom(false);
  },
});

function hear(event) {
  const { type, name, names } = event;
  if (type === "welcome") {
    me = name;
    status.open();
    $("log").replaceChildren(...event.history.map(bubble), note(`You are here as ${me}`));
    setSending(true);
  }
  if (type === "said") append(bubble(event));
  if (type === "joined") append(note(`${name} joined`));
  if (type === "left") append(note(`${name} left`));
  if (names !== undefined) $("names").replaceChildren(...names.map(present));
  if (type === "welcome") $("scroll").scrollTop = $("scroll").scrollHeight;
}

/** Adds a line, and follows it unless somebody is reading further up. */
function append(line) {
  const scroll = $("scroll");
  const isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  $("log").append(line);
  while ($("log").children.length > 500) $("log").firstElementChild.remove();
  if (isAtEnd || line.className === "own") scroll.scrollTop = scroll.scrollHeight;
}

function bubble({ name, text, at }) {
  const time = element("time", new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = new Date(at).toISOString();
  const who = element("div");
  who.className = "who";
  who.append(coloured(element("strong", name), name), time);
  const line = element("li");
  line.className = name === me ? "own" : "";
  line.append(who, element("p", text));
  return line;
}

function note(text) {
  const line = element("li", text);
  line.className = "note";
  return line;
}

function present(name) {
  const line = coloured(element("li", name), name);
  if (name === me) line.className = "own";
  return line;
}

function element(tag, text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** The same name has the same colour everywhere. */
function coloured(made, name) {
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0) * 137) % 360;
  made.style.setProperty("--hue", hue);
  return made;
}

function setSending(isOpen) {
  for (const control of $("compose").elements) control.disabled = !isOpen;
  if (isOpen) $("text").focus();
}

function showRoom(isIn) {
  $("join").hidden = isIn;
  $("room").hidden = !isIn;
  if (!isIn) $("name").focus();
}

$("join").onsubmit = (event) => {
  event.preventDefault();
  showRoom(true);
  setSending(false);
  status.connecting();
  app.runForever();
};
$("compose").onsubmit = (event) => {
  event.preventDefault();
  if ($("text").value.trim() !== "") app.send($("text").value);
  $("text").value = "";
};
$("leave").onclick = () => app.close();
status.closed(1000);
