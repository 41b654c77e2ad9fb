// Every MySQL column type with the ends of its range, written and read by a Node.js
// client: what tests/python reads of the same corpus.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const Int64 = require('node-int64');

const { WIRES, batch, execute, forebay, query, step, value, values, withClient } = require('./client.js');

const CORPUS = JSON.parse(fs.readFileSync(path.join(__dirname, '../corpus.json'), 'utf8')).columns;
const ROW_COUNT = Math.max(...CORPUS.map((column) => column.values.length));
const READ = 'SELECT * FROM corpus_node WHERE n >= ? ORDER BY n';
const MAX_INT64 = (1n << 63n) - 1n;

/** What is sent, and what comes back. */
function pair(item) {
  const [sent, back] = Array.isArray(item) ? item : [item, item];
  return { sent: spelledOut(sent), back: spelledOut(back) };
}

function spelledOut(item) {
  return item !== null && typeof item === 'object' ? item.repeat.repeat(item.times) : item;
}

function int64(text) {
  return new Int64(Buffer.from(BigInt.asUintN(64, BigInt(text)).toString(16).padStart(16, '0'), 'hex'));
}

/** The Value of a column's value. */
function param(column, item) {
  const { Value } = forebay.types;
  if (item === undefined) return value(null);
  const { sent } = pair(item);
  switch (column.param) {
    case 'int64':
    case 'uint64':
      return new Value({ [column.param]: int64(sent) });
    case 'bytes':
      return new Value({ bytes: Buffer.from(sent, 'hex') });
    default:
      return new Value({ [column.param]: sent });
  }
}

/** A value that came, as the corpus writes it. */
function written(vector, item) {
  if (item === null) return null;
  if (vector === 'int64s') {
    const bits = item instanceof Int64 ? BigInt(`0x${item.toOctetString()}`) : BigInt(item);
    return String(bits > MAX_INT64 ? BigInt.asIntN(64, bits) : bits);
  }
  if (vector === 'blobs') return Buffer.from(item).toString('hex');
  return item;
}

function rowNumbers() {
  return Array.from({ length: ROW_COUNT }, (_, number) => number);
}

function assertIsTheCorpus(result) {
  const columns = result.rows.columns;
  assert.equal(columns.length, CORPUS.length + 1);
  CORPUS.forEach((expected, index) => {
    const column = columns[index + 1];
    assert.ok(Array.isArray(column[expected.vector]), `${expected.type} is not in ${expected.vector}`);
    const found = values(column).map((item) => written(expected.vector, item));
    const wanted = rowNumbers().map((number) =>
      number < expected.values.length ? pair(expected.values[number]).back : null,
    );
    assert.deepEqual(found, wanted, expected.type);
  });
}

for (const [name, wire] of Object.entries(WIRES)) {
  for (const shard of ['lenient', 'prepared']) {
    test(`the corpus, ${shard}, ${name}`, () => withClient(wire, (client) => theCorpus(client, shard)));
  }
}

async function theCorpus(client, shard) {
  const { BeginRequest, MultiItem, MultiRequest, Options, QueryRequest, RollbackRequest } = forebay.types;
  const definitions = CORPUS.map((column, index) => `c${index} ${column.type}`).join(', ');
  await execute(client, shard, `CREATE TABLE corpus_node (n INT PRIMARY KEY, ${definitions}) CHARACTER SET utf8mb4`);
  try {
    const add = `INSERT INTO corpus_node VALUES (?${', ?'.repeat(CORPUS.length)})`;
    for (const number of rowNumbers()) {
      const row = CORPUS.map((column) => param(column, column.values[number]));
      await execute(client, shard, add, [number, ...row]);
    }
    assertIsTheCorpus(await query(client, shard, READ, [0]));
    const batched = await batch(client, shard, [step('SELECT 1'), step(READ, [0])]);
    assertIsTheCorpus(batched.steps[1].result);
    const item = new MultiItem({ query: new QueryRequest({ shard, statement: step(READ, [0]).statement }) });
    const { outcomes } = await client.multi(new MultiRequest({ items: [item, item] }));
    outcomes.forEach((outcome) => assertIsTheCorpus(outcome.query));
    const begun = await client.begin_transaction(new BeginRequest({ shard }));
    const options = new Options({ transaction: begun.transaction });
    assertIsTheCorpus(await query(client, shard, READ, [0], options));
    await client.rollback_transaction(new RollbackRequest({ options }));
  } finally {
    await execute(client, shard, 'DROP TABLE corpus_node');
  }
}
