// npm run example -- sensors [--port 8002] [--sensors 6] [--interval 100]: readings as they come, drawn in a page.
//
// Who looks at a sensor wants to know how things are, not how they were. So there is no queue for anybody: a viewer that has
// not taken the last reading yet does without the next ones, and gets the latest as soon as it has caught up (conflation).
//
// A viewer is told first, in JSON, what the sensors are. From then on each message is a list of numbers, 64-bit floats: the
// reading's own number, how many viewers there are, how many of them missed the reading before, and a value for each sensor.

import { parseArgs } from "node:util";
import { type AcceptedConnection, ConnectionGroup, RefusalError, serve } from "isosocket/server";
import { openSite } from "../site/site.ts";
import { stopped } from "../site/stopped.ts";

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "8002" },
    sensors: { type: "string", default: "6" },
    interval: { type: "string", default: "100" }, // ms
  },
});

const MAX_VIEWERS = 100;
/** So many readings of the past are shown to who comes. */
const MAX_HISTORY = 300;

const KINDS = [
  { name: "Greenhouse", unit: "°C", low: 18, high: 30 },
  { name: "Boiler", unit: "°C", low: 55, high: 75 },
  { name: "Wind", unit: "km/h", low: 0, high: 60 },
  { name: "Light", unit: "klx", low: 0, high: 90 },
  { name: "River", unit: "cm", low: 120, high: 260 },
  { name: "Noise", unit: "dB", low: 30, high: 80 },
];
const sensors = Array.from({ length: Number(options.sensors) }, (_, index) => {
  const kind = KINDS[index % KINDS.length];
  const round = Math.floor(index / KINDS.length) + 1;
  return { ...kind, name: round === 1 ? `${kind?.name}` : `${kind?.name} ${round}` };
});

const viewers = new ConnectionGroup({ maxBufferedAmount: 0, slow: "skip" });
const history: Float64Array[] = [];
let number = 0;
let missed = 0;

function read(): void {
  const values = sensors.map(({ low = 0, high = 1 }, index) => low + (high - low) * level(index, number));
  const reading = Float64Array.of(++number, viewers.size, missed, ...values);
  history.push(reading);
  if (history.length > MAX_HISTORY) history.shift();
  missed = viewers.size - viewers.broadcast(reading);
}

/** From 0 to 1: a slow wave, a faster one, and a little noise. */
function level(index: number, time: number): number {
  const slow = Math.sin(time / (29 + 23 * (index % 5)) + index);
  const fast = Math.sin(time / (7 + 3 * (index % 4)) + 2 * index);
  return 0.5 + 0.32 * slow + 0.1 * fast + 0.06 * (Math.random() - 0.5);
}

async function onConnection(ws: AcceptedConnection): Promise<void> {
  void ws.send(JSON.stringify({ sensors, interval: Number(options.interval) }));
  for (const reading of history) void ws.send(reading);
  viewers.add(ws);
  await ws.recv();
  await ws.close(1008, "Viewers have nothing to say");
}

const end = stopped();
const site = await openSite({ folder: new URL(".", import.meta.url), port: Number(options.port) });
const server = await serve({
  server: site.server,
  path: "/readings",
  origins: site.origins,
  maxMessageSize: 1024,
  verify: () => {
    if (server.connections.size >= MAX_VIEWERS) throw new RefusalError(503); // the page will try again
  },
  onConnection,
});
const timer = setInterval(read, Number(options.interval));
console.log(`sensors are at ${site.url}`);

await end;
clearInterval(timer);
await server.close(); // 1001, "going away", to all viewers
site.close();
