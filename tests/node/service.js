// Starts the service's program for the tests, and makes a client of it from the
// contract with the Thrift compiler. Installing both is left to scripts/install-tools.
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../..');
const PROGRAM = process.env.FOREBAY_BIN || path.join(ROOT, 'target/debug/forebay');
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 30_000;

/** The generated modules, made in `folder`. */
function generateClient(folder) {
  const idl = path.join(ROOT, 'idl/forebay.thrift');
  execFileSync('thrift', ['--gen', 'js:node', '-out', folder, idl]);
  // Generated code asks for the package "thrift", which it finds beside itself.
  fs.symlinkSync(path.join(__dirname, 'node_modules'), path.join(folder, 'node_modules'));
  return {
    Forebay: require(path.join(folder, 'Forebay.js')),
    types: require(path.join(folder, 'forebay_types.js')),
  };
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** A port below 32768, where the system picks the ports of outgoing connections. */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function connects(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** `forebay serve` with the given tables of shards. */
async function startService(folder, shards) {
  const port = await freePort();
  const config = path.join(folder, 'forebay.toml');
  const log = path.join(folder, 'forebay.log');
  fs.writeFileSync(config, `[server]\nlisten = ["127.0.0.1:${port}"]\n\n${shards}`);
  const logFile = fs.openSync(log, 'w');
  const process = spawn(PROGRAM, ['serve', '--config', config], {
    stdio: ['ignore', logFile, logFile],
  });
  fs.closeSync(logFile);
  process.on('error', () => {});

  const readLog = () => fs.readFileSync(log, 'utf8');
  const hasEnded = () => process.exitCode !== null || process.signalCode !== null || !process.pid;
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await connects(port))) {
    if (hasEnded()) throw new Error(`forebay ended while starting:\n${readLog()}`);
    if (Date.now() > deadline) {
      process.kill('SIGKILL');
      throw new Error(`forebay does not listen:\n${readLog()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** Asks it to end; the exit code. */
  async function stop() {
    if (hasEnded()) throw new Error(`forebay ended by itself:\n${readLog()}`);
    const killer = setTimeout(() => process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    process.kill('SIGTERM');
    const [exitCode] = await once(process, 'exit');
    clearTimeout(killer);
    return exitCode;
  }

  return { port, stop };
}

function makeFolder() {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'forebay-node.'));
}

module.exports = { generateClient, makeFolder, startService };
