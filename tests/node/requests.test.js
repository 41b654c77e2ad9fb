// Batches, multis and transactions by a Node.js client, by every transport and
// protocol.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { test } = require('node:test');

const {
  WIRES,
  batch,
  column,
  execute,
  forebay,
  query,
  statement,
  step,
  value,
  withClient,
} = require('./client.js');

const KEYS = {
  mysql: 'BIGINT AUTO_INCREMENT PRIMARY KEY',
  sqlite: 'INTEGER PRIMARY KEY AUTOINCREMENT',
};

for (const [name, wire] of Object.entries(WIRES)) {
  for (const shard of Object.keys(KEYS)) {
    const on = (work) => () => withClient(wire, (client) => withTable(client, shard, work));
    test(`a batch on ${shard}, ${name}`, on(aBatch));
    test(`a failed batch on ${shard}, ${name}`, on(aFailedBatch));
    test(`many rows in a step on ${shard}, ${name}`, on(manyRows));
    test(`a transaction on ${shard}, ${name}`, on(aTransaction));
  }
  test(`a multi, ${name}`, () => withClient(wire, aMulti));
  test(`a multi that fails, ${name}`, () => withClient(wire, aMultiThatFails));
  test(`warnings and further results, ${name}`, () => withClient(wire, warningsAndResults));
}

async function withTable(client, shard, work) {
  await execute(client, shard, `CREATE TABLE requests (id ${KEYS[shard]}, name VARCHAR(50) UNIQUE)`);
  try {
    await work(client, shard);
  } finally {
    await execute(client, shard, 'DROP TABLE requests');
  }
}

/** The DataError of a call that fails. */
async function rejected(promise) {
  const error = await promise.then(() => assert.fail('no error'), (caught) => caught);
  assert.ok(error instanceof forebay.types.DataError, String(error));
  assert.ok(error.message);
  return error;
}

function options(fields) {
  return new forebay.types.Options(fields);
}

async function names(client, shard) {
  return column(await query(client, shard, 'SELECT name FROM requests ORDER BY id'));
}

async function aBatch(client, shard) {
  const { StepCondition, StepStatus, Value } = forebay.types;
  const idOf = (number) => new Value({ insert_id_of_step: number });
  const add = 'INSERT INTO requests (name) VALUES (?)';
  const result = await batch(
    client,
    shard,
    [
      step('UPDATE requests SET name = ? WHERE name = ?', ['new', 'old']),
      step(add, ['é 🚀'], { condition: StepCondition.HAD_NO_ROWS }),
      step(add, ['never'], { condition: StepCondition.HAD_ROWS, condition_step: 0 }),
      step('SELECT id, name FROM requests WHERE id IN (?)', [[idOf(1), 1000]]),
    ],
    { options: options({ request_id: 'a batch' }) },
  );
  assert.equal(result.header.request_id, 'a batch');
  assert.equal(result.attempts, 1);
  assert.deepEqual(
    result.steps.map((one) => one.status),
    [StepStatus.DONE, StepStatus.DONE, StepStatus.SKIPPED, StepStatus.DONE],
  );
  assert.equal(Number(result.steps[1].result.insert_id), 1);
  assert.equal(Number(result.steps[1].result.insert_count), 1);
  assert.equal(result.steps[2].result, null);
  assert.deepEqual(column(result.steps[3].result, 1), ['é 🚀']);
}

async function aFailedBatch(client, shard) {
  const { BatchMode, ErrorCode, StepStatus } = forebay.types;
  const add = 'INSERT INTO requests (name) VALUES (?)';
  const steps = [step(add, ['a']), step(add, ['a']), step(add, ['b'])];
  const error = await rejected(batch(client, shard, steps));
  assert.equal(error.code, ErrorCode.DUPLICATE_KEY);
  assert.equal(error.item, 1);
  assert.deepEqual(await names(client, shard), []);
  const each = await batch(client, shard, steps, { mode: BatchMode.EACH });
  assert.deepEqual(
    each.steps.map((one) => one.status),
    [StepStatus.DONE, StepStatus.FAILED, StepStatus.DONE],
  );
  assert.equal(each.steps[1].error.code, ErrorCode.DUPLICATE_KEY);
  assert.deepEqual(await names(client, shard), ['a', 'b']);
}

async function manyRows(client, shard) {
  const add = 'INSERT INTO requests (name) VALUES (?)';
  const texts = Array.from({ length: 500 }, (_, number) => `name '${number}' \\`);
  const result = await batch(client, shard, [
    step(add, undefined, { param_rows: texts.map((text) => [value(text)]) }),
    step('INSERT INTO requests (name) VALUES (:name)', undefined, {
      named_param_rows: [{ name: value('named') }, { name: value(null) }],
    }),
  ]);
  assert.equal(Number(result.steps[0].result.affected_rows), 500);
  assert.equal(Number(result.steps[1].result.insert_count), 2);
  assert.deepEqual(await names(client, shard), [...texts, 'named', null]);
}

async function aTransaction(client, shard) {
  const { BeginRequest, CommitRequest, ErrorCode, RollbackRequest } = forebay.types;
  const add = 'INSERT INTO requests (name) VALUES (?)';
  for (const [text, end, request] of [
    ['kept', 'commit_transaction', CommitRequest],
    ['undone', 'rollback_transaction', RollbackRequest],
  ]) {
    const begun = await client.begin_transaction(new BeginRequest({ shard }));
    assert.equal(begun.idle_timeout_ms, 10_000);
    const within = options({ transaction: begun.transaction });
    await execute(client, shard, add, [text], undefined, within);
    await batch(client, shard, [step(add, [`${text} too`])], { options: within });
    const seen = await query(client, shard, 'SELECT name FROM requests WHERE name LIKE ?', [`${text}%`], within);
    assert.deepEqual(column(seen), [text, `${text} too`]);
    await client[end](new request({ options: within }));
    const error = await rejected(client[end](new request({ options: within })));
    assert.equal(error.code, ErrorCode.TRANSACTION_NOT_FOUND);
  }
  assert.deepEqual(await names(client, shard), ['kept', 'kept too']);
}

function multi(client, items, fields) {
  const { MultiItem, MultiRequest } = forebay.types;
  return client.multi(new MultiRequest({ items: items.map((one) => new MultiItem(one)), ...fields }));
}

function asked(shard, sql, params) {
  return { shard, statement: statement(sql, params) };
}

async function aMulti(client) {
  const { BatchRequest, ErrorCode, ExecuteRequest, InsertRequest, QueryRequest } = forebay.types;
  await execute(client, 'sqlite', 'CREATE TABLE multis (n INTEGER)');
  try {
    const numbers = Array.from({ length: 20 }, (_, number) => number);
    const shards = ['mysql', 'sqlite', 'prepared'];
    const { outcomes } = await multi(client, [
      ...numbers.map((number) => ({
        query: new QueryRequest(asked(shards[number % 3], 'SELECT ?', [number])),
      })),
      { query: new QueryRequest(asked('no_such_shard', 'SELECT 1')) },
      { execute: new ExecuteRequest(asked('sqlite', 'INSERT INTO multis VALUES (?)', [1])) },
      { insert: new InsertRequest({ shard: 'sqlite', table: 'multis', columns: ['n'], rows: [[value(2)], [value(3)]] }) },
      { batch: new BatchRequest({ shard: 'mysql', steps: [step('SELECT 1'), step('SELECT 2')] }) },
    ]);
    assert.deepEqual(outcomes.slice(0, 20).map((one) => Number(column(one.query)[0])), numbers);
    const [unknown, executed, inserted, batched] = outcomes.slice(20);
    assert.equal(unknown.error.code, ErrorCode.UNKNOWN_SHARD);
    assert.equal(unknown.query, null);
    assert.equal(executed.error, null);
    assert.equal(Number(executed.execute.affected_rows), 1);
    assert.equal(Number(inserted.insert.insert_count), 2);
    assert.deepEqual(batched.batch.steps.map((one) => Number(column(one.result)[0])), [1, 2]);
  } finally {
    await execute(client, 'sqlite', 'DROP TABLE multis');
  }
}

async function aMultiThatFails(client) {
  const { ErrorCode, MultiPolicy, QueryRequest } = forebay.types;
  const items = [
    { query: new QueryRequest(asked('mysql', 'SELECT SLEEP(30)')) },
    { query: new QueryRequest(asked('prepared', 'SELECT * FROM no_such_table')) },
  ];
  const policy = MultiPolicy.FAIL_ON_FIRST_ERROR;
  const error = await rejected(multi(client, items, { policy, options: options({ timeout_ms: 15_000 }) }));
  assert.equal(error.code, ErrorCode.SQL_ERROR);
  assert.equal(error.item, 1);
  assert.equal(error.mysql_errno, 1146);
  const late = await multi(client, items, { options: options({ timeout_ms: 300 }) });
  assert.deepEqual(
    late.outcomes.map((one) => one.error.code),
    [ErrorCode.DEADLINE_EXCEEDED, ErrorCode.SQL_ERROR],
  );
}

function runInMariaDb(input) {
  const socket = `--socket=${process.env.FOREBAY_TEST_MYSQL_SOCKET}`;
  execFileSync('mariadb', ['--no-defaults', '--user=root', socket, 'test'], { input });
}

async function warningsAndResults(client) {
  const warned = await query(client, 'lenient', 'SELECT CAST(? AS SIGNED)', ['12x'], options({ warnings_max: 5 }));
  assert.equal(warned.warning_count, 1);
  assert.deepEqual(warned.warnings.map(({ level, code }) => [level, code]), [['Warning', 1292]]);
  // A body with semicolons is not for the service to create.
  runInMariaDb('DELIMITER //\nCREATE PROCEDURE several() BEGIN SELECT 1; SELECT 2; SELECT 3; END//');
  try {
    for (const shard of ['lenient', 'prepared']) {
      const called = await execute(client, shard, 'CALL several()');
      assert.deepEqual(column(called).map(Number), [1]);
      assert.deepEqual(called.more_rows.map((rows) => Number(column({ rows })[0])), [2, 3]);
    }
  } finally {
    await execute(client, 'mysql', 'DROP PROCEDURE several');
  }
}
