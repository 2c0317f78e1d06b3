// A pipe in memory: bytes in order, cut as asked, late as asked, waiting for who does not read, and both ways to lose it.

import { expect } from "chai";
import { UsageError } from "../../lib/errors.ts";
import { memoryPipe } from "../../lib/transport/memory.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** All that arrives until the end, piece by piece. */
async function pieces(readable: ReadableStream<Uint8Array>): Promise<string[]> {
  const found: string[] = [];
  for await (const chunk of readable) found.push(Buffer.from(chunk).toString("latin1"));
  return found;
}

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  await nextTurn();
  return settled;
}

describe("memoryPipe", () => {
  cleanUp();

  for (const delay of [0, 5]) {
    const rows: [title: string, cut: number | (() => number) | undefined, wanted: string[]][] = [
      ["as written", undefined, ["hello", "you"]],
      ["byte by byte", 1, ["h", "e", "l", "l", "o", "y", "o", "u"]],
      ["in pieces of 2", 2, ["he", "ll", "o", "yo", "u"]],
      ["by turns", turns(1, 3), ["h", "ell", "o", "you"]],
      ["cut by nonsense", turns(0, Number.NaN, -5, 0.5), ["h", "e", "l", "l", "o", "y", "o", "u"]],
    ];
    for (const [title, cut, wanted] of rows) {
      it(`carries bytes ${title}, both ways, ${delay} ms late`, async () => {
        for (const [from, to] of [
          ["client", "server"],
          ["server", "client"],
        ] as const) {
          const pipe = memoryPipe({ delay, ...(cut !== undefined && { cut }) });
          const writer = pipe[from].writable.getWriter();
          void writer.write(bytesOf("hello"));
          void writer.write(new Uint8Array(0));
          void writer.write(bytesOf("you"));
          void writer.close();
          const found = await pieces(pipe[to].readable);
          expect(found.join("")).to.equal(wanted.join(""));
          if (from === "client") expect(found).to.deep.equal(wanted);
        }
      });
    }
  }

  it("hands on bytes that the writer may change", async () => {
    const { client, server } = memoryPipe();
    const bytes = bytesOf("abc");
    await client.writable.getWriter().write(bytes);
    bytes.fill(0);
    const { value } = await server.readable.getReader().read();
    expect(value).to.deep.equal(bytesOf("abc"));
  });

  for (const delay of [0, 1]) {
    it(`makes who writes wait for who reads, ${delay} ms late`, async () => {
      const { client, server } = memoryPipe({ capacity: 10, delay });
      const writer = client.writable.getWriter();
      const writes = ["12345", "67890", "abcde"].map((text) => writer.write(bytesOf(text)));
      await writes[0];
      expect(await isSettled(writes[1] as Promise<void>)).to.equal(false);
      const reader = server.readable.getReader();
      expect((await reader.read()).value).to.deep.equal(bytesOf("12345"));
      await writes[1];
      await reader.read();
      await writes[2];
      await reader.cancel();
    });
  }

  it("takes a write that is larger than its capacity", async () => {
    const { client, server } = memoryPipe({ capacity: 1 });
    const writer = client.writable.getWriter();
    const written = writer.write(new Uint8Array(1000)).then(() => writer.close());
    expect((await pieces(server.readable)).join("")).to.have.length(1000);
    await written;
  });

  it("can be lost: nothing arrives, nobody is told, and nobody waits", async () => {
    const { client, server, lose } = memoryPipe({ capacity: 4 });
    const writer = client.writable.getWriter();
    const waiting = writer.write(bytesOf("12345"));
    expect(await isSettled(waiting)).to.equal(false);
    lose();
    await waiting;
    await writer.write(bytesOf("into the void"));
    await writer.close();
    const reader = server.readable.getReader();
    await reader.read(); // what had arrived
    const read = reader.read();
    expect(await isSettled(read)).to.equal(false);
    await client.readable.cancel();
    expect(await isSettled(read)).to.equal(false);
    await reader.cancel();
  });

  it("loses what is under way", async () => {
    const { client, server, lose } = memoryPipe({ delay: 1 });
    const writer = client.writable.getWriter();
    await writer.write(bytesOf("late"));
    lose();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const reader = server.readable.getReader();
    expect(await isSettled(reader.read())).to.equal(false);
    await reader.cancel();
  });

  it("can be reset: both ends break", async () => {
    const { client, server, reset } = memoryPipe();
    const reason = new Error("earthquake");
    reset(reason);
    for (const { readable, writable } of [client, server]) {
      expect(await rejection(readable.getReader().read(), Error)).to.equal(reason);
      expect(await rejection(writable.getWriter().write(bytesOf("x")), Error)).to.equal(reason);
    }
    reset();
  });

  it("tells the other end of one that is gone", async () => {
    const { client, server } = memoryPipe();
    const writer = server.writable.getWriter();
    await client.readable.cancel("had enough");
    expect((await rejection(writer.write(bytesOf("x")), Error)).message).to.equal("the other end is gone");
    const reason = new Error("crashed");
    await client.writable.abort(reason);
    expect(await rejection(server.readable.getReader().read(), Error)).to.equal(reason);
  });

  it("takes no nonsense", async () => {
    for (const options of [
      { delay: -1 },
      { delay: Number.NaN },
      { cut: 0 },
      { cut: Number.NaN },
      { capacity: 0 },
    ]) {
      thrown(() => memoryPipe(options), UsageError);
    }
    const write = memoryPipe()
      .client.writable.getWriter()
      .write("text" as unknown as Uint8Array);
    await rejection(write, UsageError);
  });
});

function turns(...sizes: number[]): () => number {
  let at = 0;
  return () => sizes[at++ % sizes.length] as number;
}
