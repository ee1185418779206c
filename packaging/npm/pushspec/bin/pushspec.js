#!/usr/bin/env node
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const name = `@pushspec/${process.platform}-${process.arch}`;

function program() {
  try {
    return require.resolve(`${name}/pushspec`);
  } catch {
    console.error(`error: there is no program for this platform: ${name} is not installed`);
    console.error("Install without --omit=optional, or build it: cargo install pushspec");
    process.exit(5);
  }
}

const child = spawn(program(), process.argv.slice(2), { stdio: "inherit" });
// A signal is for the program: it writes its report before it ends.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`error: ${error.message}`);
  process.exit(5);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
