// The shortest program there is with isosocket: from the start of the process to the first echo.
import process from "node:process";
import { createConnection } from "isosocket";

const ws = await createConnection(process.argv[2], { proxy: false });
await ws.send("first");
if ((await ws.recv()) === "first") process.exit(0);
