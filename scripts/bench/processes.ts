// The processes of the benchmark: a server on one core, the competitors on another, which is theirs by turns. Each answers a
// line with a line.

import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Runtime } from "./runtimes.ts";
import type { Ports } from "./server.ts";
import type { Order, Result } from "./worker.ts";

/** What a process is started with besides. */
export interface Surroundings {
  readonly serverRuntime: Runtime;
  /** The servers' certificate and key, and the certificate as a file. */
  readonly certificate: { readonly cert: string; readonly key: string };
  readonly certificateFile: string;
  /** The folder that has ws's native add-on among its modules. */
  readonly addOnFolder: string | undefined;
}

/** A competitor that is silent for so much longer than it was given is given up. */
const PATIENCE_MS = 60_000;

const children = new Set<LineProcess>();

export const canPin: boolean = availableParallelism() > 1 && spawnSync("taskset", ["--version"]).status === 0;

/** Of two cores that do not share one: a thread beside the client's would cost it what no figure shows. */
const [CLIENT_CORE, SERVER_CORE] = cores();

function cores(): [number, number] {
  try {
    const siblings = readFileSync("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "utf8");
    const isBeside = (core: number) => {
      const [first = 0, last = first] = siblings.split("-").map(Number);
      return siblings.split(",").map(Number).includes(core) || (core >= first && core <= last);
    };
    for (let core = 1; core < availableParallelism(); core++) if (!isBeside(core)) return [0, core];
  } catch {
    // Another system has no such file.
  }
  return [0, 1];
}

/** The words of a command that keep it to the clients' core. */
export function onClientCore(command: readonly string[]): readonly string[] {
  return canPin ? ["taskset", "-c", String(CLIENT_CORE), ...command] : command;
}

/** Ends all that still run. */
export function endAll(): void {
  for (const child of children) child.end();
}

class LineProcess {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(core: number, command: readonly string[], env: Readonly<Record<string, string | undefined>>) {
    const [program = "", ...words] = canPin ? ["taskset", "-c", String(core), ...command] : command;
    this.#process = spawn(program, words, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    this.#process.stdin.on("error", () => {}); // it has ended, which the next line tells
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    children.add(this);
  }

  async line(ms = PATIENCE_MS): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing came for ${ms / 1000} s`)), ms);
    });
    const line = await Promise.race([this.#lines.next(), late]).finally(() => clearTimeout(timer));
    if (line.done) throw new Error("the process ended");
    return line.value;
  }

  ask(line: string, ms?: number): Promise<string> {
    this.#process.stdin.write(`${line}\n`);
    return this.line(ms);
  }

  end(): void {
    this.#process.kill("SIGKILL");
    children.delete(this);
  }
}

export class Server {
  readonly #process: LineProcess;
  readonly ports: Ports;

  private constructor(process: LineProcess, ports: Ports) {
    this.#process = process;
    this.ports = ports;
  }

  static async start({ serverRuntime, certificate }: Surroundings): Promise<Server> {
    const command = [serverRuntime.program, "scripts/bench/server.ts", certificate.cert, certificate.key];
    const process = new LineProcess(SERVER_CORE, command, {});
    return new Server(process, JSON.parse(await process.line()));
  }

  /** CPU time in seconds so far. */
  async cpuSeconds(): Promise<number> {
    return Number(await this.#process.ask("cpu")) / 1e6;
  }
}

/** A competitor that takes orders; started when it is given the first one, and again after it failed. */
export class Worker {
  readonly client: string;
  readonly #command: readonly string[];
  readonly #env: Readonly<Record<string, string | undefined>>;
  #process: LineProcess | undefined;

  constructor(runtime: Runtime, client: string, { certificateFile, addOnFolder }: Surroundings) {
    this.client = client;
    this.#command = [runtime.program, ...runtime.typescript, "scripts/bench/worker.ts", certificateFile];
    const isWithAddOn = client === "ws with bufferutil";
    this.#env = {
      NODE_EXTRA_CA_CERTS: certificateFile,
      DENO_CERT: certificateFile,
      WS_NO_BUFFER_UTIL: isWithAddOn ? undefined : "1",
      NODE_PATH: isWithAddOn ? addOnFolder : undefined,
    };
  }

  /** Rejects when it failed. */
  async obey(order: Omit<Order, "client">): Promise<Result> {
    this.#process ??= new LineProcess(CLIENT_CORE, this.#command, this.#env);
    try {
      const line = await this.#process.ask(
        JSON.stringify({ ...order, client: this.client }),
        PATIENCE_MS + order.ms,
      );
      const result: Result = JSON.parse(line);
      if (result.error !== undefined) throw new Error(result.error);
      return result;
    } catch (error) {
      this.end();
      throw error;
    }
  }

  end(): void {
    this.#process?.end();
    this.#process = undefined;
  }
}
