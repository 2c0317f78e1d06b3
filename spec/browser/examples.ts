// The pages of the examples, as people use them: each test starts a server as its command does, opens pages of it in the browser,
// clicks, types and draws, and looks at what can be seen. From dist/, which has to be built.

import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { Browser, Page } from "puppeteer-core";
import { type Listening, startExample } from "../examples/example.ts";
import type { Closable, Use } from "../support/clean-up.ts";

type Test = readonly [title: string, run: (hands: Hands) => Promise<void>];

/** How long what a page is to show may take, in ms. */
const PATIENCE_MS = 10_000;

/** What browsers say of a WebSocket that cannot connect, or loses its connection. */
const FAILED_CONNECTION = /^WebSocket connection to|can.t establish a connection|was interrupted while/;

/** What a test does it with. */
class Hands {
  /** What pages complained of, but for connections that failed, as they do without a server. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #used: Closable[] = [];

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  readonly #use: Use = (resource) => {
    this.#used.push(resource);
    return resource;
  };

  start(name: string, ...args: string[]): Promise<Listening> {
    return startExample(this.#use, name, ...args);
  }

  /** A page that shares nothing with others. */
  async open(url: string, width = 1000): Promise<Page> {
    const context = this.#use(await this.#browser.createBrowserContext());
    const page = await context.newPage();
    page.on("pageerror", (error) => this.#complain(String(error)));
    page.on("console", (line) => line.type() === "error" && this.#complain(line.text()));
    // Firefox before 144 sets the size, and knows nothing of the orientation that is set with it.
    await page.setViewport({ width, height: 800 }).catch((error: unknown) => {
      if (!String(error).includes("emulation.setScreenOrientationOverride")) throw error;
    });
    await page.goto(url);
    await until(page, `innerWidth === ${width}`);
    return page;
  }

  #complain(text: string): void {
    if (!FAILED_CONNECTION.test(text)) this.complaints.push(text);
  }

  async close(): Promise<void> {
    for (const resource of this.#used.reverse()) await resource.close();
  }
}

/** Waits until an expression is true in a page. */
async function until(page: Page, expression: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await page.evaluate(expression))) {
    if (performance.now() > deadline)
      throw new Error(
        `never true: ${expression}; the page: ${await page.evaluate("document.body.innerText")}`,
      );
    await pause(20);
  }
}

/** Waits until an element has a text. */
function shows(page: Page, selector: string, text: string): Promise<void> {
  const [query, wanted] = [selector, text].map((value) => JSON.stringify(value));
  return until(page, `document.querySelector(${query})?.innerText.includes(${wanted})`);
}

async function end({ run }: Listening): Promise<void> {
  run.signal("SIGINT");
  expect(await run.ended).to.include({ code: 0, stderr: "" });
}

async function join(page: Page, name: string): Promise<void> {
  await page.bringToFront();
  await page.type("#name", name);
  await page.keyboard.press("Enter");
  await shows(page, "#status", "Connected");
}

async function say(page: Page, text: string): Promise<void> {
  await page.bringToFront();
  await page.type("#text", text);
  await page.keyboard.press("Enter");
}

const portOf = ({ origin }: Listening): string => new URL(origin).port;

/** Whether anything is drawn in a part of the canvas; places are fractions of it. */
function hasInk(left: number, top: number, right: number, bottom: number): string {
  return `(() => {
    const canvas = document.getElementById("canvas");
    const [x, y] = [canvas.width * ${left}, canvas.height * ${top}];
    const [width, height] = [canvas.width * ${right - left}, canvas.height * ${bottom - top}];
    return canvas.getContext("2d").getImageData(x, y, width, height).data.some((value) => value > 0);
  })()`;
}

/** Draws a line with the mouse; places are fractions of the paper. */
async function draw(
  page: Page,
  from: readonly [number, number],
  to: readonly [number, number],
): Promise<void> {
  await page.bringToFront();
  const box = await (await page.$("#canvas"))?.boundingBox();
  if (!box) throw new Error("there is no canvas");
  const place = ([x, y]: readonly [number, number]) =>
    [box.x + x * box.width, box.y + y * box.height] as const;
  await page.mouse.move(...place(from));
  await page.mouse.down();
  await page.mouse.move(...place(to), { steps: 8 });
  await page.mouse.up();
}

const CHAT: readonly Test[] = [
  [
    "chat: two see each other come, talk and leave",
    async (hands) => {
      const { origin } = await hands.start("chat");
      const [ada, grace] = [await hands.open(origin), await hands.open(origin)];
      await join(ada, "Ada");
      await join(grace, "Grace");
      await shows(ada, "#log", "Grace joined");
      for (const page of [ada, grace]) {
        await shows(page, "#names", "Ada");
        await shows(page, "#names", "Grace");
      }
      await say(ada, "Good morning");
      await say(grace, "The same to you");
      for (const page of [ada, grace]) {
        await shows(page, "#log", "Good morning");
        await shows(page, "#log", "The same to you");
      }
      await until(ada, `document.querySelector("#log .own p").textContent === "Good morning"`);
      await grace.click("#leave");
      await shows(ada, "#log", "Grace left");
      await until(ada, `!document.querySelector("#names").innerText.includes("Grace")`);
      await until(grace, `!document.querySelector("#join").hidden && document.querySelector("#room").hidden`);
      await shows(grace, "#status", "Not connected");
      await join(grace, ""); // again, by the name that is there still
      await shows(ada, "#names", "Grace");
    },
  ],
  [
    "chat: what people write is text, whatever they write",
    async (hands) => {
      const { origin } = await hands.start("chat");
      const page = await hands.open(origin);
      const attack = "<img src=x onerror=this.ownerDocument.title='pwned'>";
      await join(page, "<b>Eve</b>");
      await say(page, attack);
      await shows(page, "#log", attack);
      await shows(page, "#names", "<b>Eve</b>");
      expect(await page.evaluate(`document.querySelectorAll("#room :is(img, b)").length`)).to.equal(0);
      expect(await page.title()).to.equal("Chat room");
    },
  ],
  [
    "chat: a page comes back by itself when its server does",
    async (hands) => {
      const server = await hands.start("chat");
      const page = await hands.open(server.origin);
      await join(page, "Ada");
      await end(server);
      await shows(page, "#status", "Connection lost, trying again");
      await until(page, `document.querySelector("#text").disabled`);
      await hands.start("chat", "--port", portOf(server));
      await shows(page, "#status", "Connected");
      await say(page, "Here again");
      await shows(page, "#log", "Here again");
    },
  ],
];

const SENSORS: readonly Test[] = [
  [
    "sensors: each has its curve and its value, which go on",
    async (hands) => {
      const { origin } = await hands.start("sensors", "--interval", "20");
      const page = await hands.open(origin);
      await page.bringToFront();
      await until(page, `document.querySelectorAll("#lanes div").length === 6`);
      for (let lane = 0; lane < 6; lane++) await until(page, hasInk(0.9, lane / 6, 1, (lane + 1) / 6));
      await until(page, `/^[0-9.]+ °C$/.test(document.querySelector("#lanes dd").innerText)`);
      await until(page, `Number(document.querySelector("#received").innerText) > 20`);
      expect(await page.evaluate(`document.querySelector("#viewers").innerText`)).to.equal("1");
    },
  ],
  [
    "sensors: a pause holds the picture, and its end shows the latest",
    async (hands) => {
      const { origin } = await hands.start("sensors", "--interval", "20");
      const [page, other] = [await hands.open(origin), await hands.open(origin)];
      const received = `Number(document.querySelector("#received").innerText)`;
      await page.bringToFront();
      await until(page, `${received} > 5`);
      await page.click("#pause");
      await until(page, `document.querySelector("#pause").getAttribute("aria-pressed") === "true"`);
      // Two frames later all is drawn that was to be drawn before.
      await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
      const held = Number(await page.evaluate(received));
      await other.bringToFront();
      await until(other, `${received} > ${held + 20}`);
      expect(await page.evaluate(received)).to.equal(held);
      await page.bringToFront();
      await page.focus("#pause");
      await page.keyboard.press(" ");
      await until(page, `${received} > ${held + 20}`);
    },
  ],
  [
    "sensors: a page comes back by itself when its server does",
    async (hands) => {
      const server = await hands.start("sensors", "--interval", "20");
      const page = await hands.open(server.origin);
      await shows(page, "#status", "Connected");
      await end(server);
      await shows(page, "#status", "Connection lost, trying again");
      await hands.start("sensors", "--interval", "20", "--sensors", "2", "--port", portOf(server));
      await shows(page, "#status", "Connected");
      await until(page, `document.querySelectorAll("#lanes div").length === 2`);
      await page.bringToFront();
      await until(page, hasInk(0.9, 0.5, 1, 1));
    },
  ],
];

const BOARD: readonly Test[] = [
  [
    "board: who is at the same one sees what is drawn, and nobody else",
    async (hands) => {
      const { origin } = await hands.start("board");
      const one = await hands.open(`${origin}/boards/one`);
      const two = await hands.open(`${origin}/boards/one`);
      const other = await hands.open(`${origin}/boards/other`);
      for (const page of [one, two]) await shows(page, "#people", "2 people here");
      await shows(other, "#people", "You are alone here");
      await draw(one, [0.1, 0.1], [0.4, 0.4]);
      await draw(two, [0.9, 0.1], [0.6, 0.4]);
      for (const page of [one, two]) {
        await until(page, hasInk(0.1, 0.1, 0.4, 0.4));
        await until(page, hasInk(0.6, 0.1, 0.9, 0.4));
        expect(await page.evaluate(hasInk(0, 0.6, 1, 1))).to.equal(false);
      }
      await draw(other, [0.5, 0.8], [0.6, 0.8]); // what it is told comes behind all of the others'
      await until(other, hasInk(0.5, 0.7, 0.6, 0.9));
      expect(await other.evaluate(hasInk(0, 0, 1, 0.6))).to.equal(false);

      const late = await hands.open(`${origin}/boards/one`);
      await until(late, hasInk(0.6, 0.1, 0.9, 0.4));
      await late.click("#clear");
      for (const page of [one, two, late]) await until(page, `!${hasInk(0, 0, 1, 1)}`);
    },
  ],
  [
    "board: draws dots, and by the keyboard",
    async (hands) => {
      const { origin } = await hands.start("board");
      const [one, two] = [await hands.open(origin), await hands.open(origin)];
      await shows(one, "#people", "2 people here");
      await draw(one, [0.2, 0.2], [0.2, 0.2]);
      await until(two, hasInk(0.15, 0.15, 0.25, 0.25));
      await one.bringToFront();
      await one.focus("#paper");
      await one.keyboard.press(" ");
      for (let step = 0; step < 5; step++) await one.keyboard.press("ArrowRight");
      await one.keyboard.press(" ");
      for (let step = 0; step < 5; step++) await one.keyboard.press("ArrowDown");
      await until(two, hasInk(0.58, 0.45, 0.62, 0.55));
      expect(await two.evaluate(hasInk(0.5, 0.58, 0.7, 0.8))).to.equal(false);
    },
  ],
  [
    "board: what is drawn without a server is there when it is back",
    async (hands) => {
      const server = await hands.start("board");
      const [one, two] = [await hands.open(server.origin), await hands.open(server.origin)];
      await shows(one, "#people", "2 people here");
      await end(server);
      await shows(one, "#status", "Connection lost, trying again");
      await draw(one, [0.1, 0.5], [0.4, 0.5]);
      await hands.start("board", "--port", portOf(server));
      for (const page of [one, two]) {
        await shows(page, "#status", "Connected");
        await until(page, hasInk(0.1, 0.4, 0.4, 0.6));
      }
    },
  ],
];

const ALL: readonly Test[] = [
  ...CHAT,
  ...SENSORS,
  ...BOARD,
  [
    "examples: fit a narrow screen",
    async (hands) => {
      for (const name of ["chat", "sensors", "board"]) {
        const { origin } = await hands.start(name);
        const page = await hands.open(origin, 320);
        if (name === "chat") await join(page, "Somebody with a long name");
        else await shows(page, "#status", "Connected");
        await until(page, "document.documentElement.scrollWidth <= innerWidth");
      }
    },
  ],
];

/** Each test of the examples' pages: its title, and what went wrong in it, if anything, once it was run in a browser. */
export async function* examples(browser: Browser): AsyncGenerator<[string, string | undefined]> {
  for (const [title, run] of ALL) {
    const hands = new Hands(browser);
    let failure: string | undefined;
    try {
      await run(hands);
      expect(hands.complaints.join("\n")).to.equal("");
    } catch (error) {
      failure = error instanceof Error ? error.stack : String(error);
    }
    await hands.close();
    yield [title, failure];
  }
}
