// What a test opens is closed after it, and then nothing may be left that would keep the process alive.

export interface Closable {
  close(): unknown;
}

/** Remembers what is to be closed after the test, and gives it back. */
export type Use = <Resource extends Closable>(resource: Resource) => Resource;

/** How long what was closed may take to be gone, in ms. */
const PATIENCE_MS = 2000;

/** For a `describe`: closes what each of its tests uses, last first, and fails for sockets, servers and timers that stay. */
export function cleanUp(): Use {
  let before: Map<string, number>;
  let used: Closable[] = [];
  beforeEach(async () => {
    await nextTurn(); // from here on mocha's own timer counts, as it does after the test
    before = resources();
  });
  afterEach(async () => {
    for (const resource of used.reverse()) await resource.close();
    used = [];
    await nextTurn();
    const deadline = performance.now() + PATIENCE_MS;
    while (leftovers(before).length > 0 && performance.now() < deadline) await nextTurn();
    const left = leftovers(before);
    if (left.length > 0) throw new Error(`the test left behind: ${left.join(", ")}`);
  });
  return (resource) => {
    used.push(resource);
    return resource;
  };
}

/** One turn of the event loop: whatever was ready to happen has happened. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function leftovers(before: Map<string, number>): string[] {
  const now = [...resources()];
  return now.filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind);
}

/** How many there are of each kind of thing that keeps the process alive. */
function resources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (/Socket|Server|TLS|Pipe|Timeout/.test(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
