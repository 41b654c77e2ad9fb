// The second language: a Node.js client, generated here from the contract with
// the stock compiler, does what the Python one does.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { after, before, test } = require('node:test');

const Int64 = require('node-int64');
const thrift = require('thrift');

const { generateClient, makeFolder, startService } = require('./service.js');

const TIMEOUT_MS = 20_000;
const WIRES = {
  'framed binary': [thrift.TFramedTransport, thrift.TBinaryProtocol],
  'framed compact': [thrift.TFramedTransport, thrift.TCompactProtocol],
  'unframed binary': [thrift.TBufferedTransport, thrift.TBinaryProtocol],
  'unframed compact': [thrift.TBufferedTransport, thrift.TCompactProtocol],
};
const KEYS = {
  mysql: 'BIGINT AUTO_INCREMENT PRIMARY KEY',
  sqlite: 'INTEGER PRIMARY KEY AUTOINCREMENT',
};

let folder;
let forebay;
let service;

before(async () => {
  const mysqlUrl = process.env.FOREBAY_TEST_MYSQL_URL;
  assert.ok(mysqlUrl, 'no database: run `scripts/test node`');
  folder = makeFolder();
  forebay = generateClient(folder);
  service = await startService(
    folder,
    `[shards.mysql]\nurl = "${mysqlUrl}"\n\n[shards.sqlite]\nurl = "sqlite::memory:"\n`,
  );
});

after(async () => {
  try {
    if (service) assert.equal(await service.stop(), 0);
  } finally {
    if (folder) fs.rmSync(folder, { recursive: true });
  }
});

/** Runs `work` with a client by the given transport and protocol. */
async function withClient([transport, protocol], work) {
  const connection = thrift.createConnection('127.0.0.1', service.port, {
    transport,
    protocol,
    connect_timeout: TIMEOUT_MS,
    timeout: TIMEOUT_MS,
  });
  const client = thrift.createClient(forebay.Forebay, connection);
  const failed = new Promise((_, reject) => {
    connection.on('error', reject);
    connection.on('timeout', () => reject(new Error('no answer in time')));
    connection.on('close', () => reject(new Error('the service closed the session')));
  });
  failed.catch(() => {});
  try {
    return await Promise.race([work(client), failed]);
  } finally {
    connection.end();
  }
}

/** A Value from a Node.js value; a safe integer is an int64. */
function value(item) {
  const { Value } = forebay.types;
  if (item === null) return new Value({ is_null: true });
  if (typeof item === 'boolean') return new Value({ boolean: item });
  if (item instanceof Int64 || Number.isSafeInteger(item)) return new Value({ int64: item });
  if (typeof item === 'number') return new Value({ float64: item });
  if (Buffer.isBuffer(item)) return new Value({ bytes: item });
  if (Array.isArray(item)) return new Value({ items: item.map(value) });
  return new Value({ text: item });
}

function statement(sql, params, style) {
  const { ParamStyle, Statement } = forebay.types;
  return new Statement({
    sql,
    params: params && params.map(value),
    param_style: style ?? ParamStyle.NATIVE,
  });
}

function query(client, shard, sql, params, options) {
  const request = { shard, statement: statement(sql, params), options };
  return client.query(new forebay.types.QueryRequest(request));
}

function execute(client, shard, sql, params, style) {
  const request = { shard, statement: statement(sql, params, style) };
  return client.execute(new forebay.types.ExecuteRequest(request));
}

/** A column's values, with null where the bitmap says so. */
function values(column) {
  const vectors = ['int64s', 'doubles', 'strings', 'blobs'].filter((name) => column[name] !== null);
  assert.equal(vectors.length, 1, `column ${column.name} has the vectors ${vectors}`);
  const nulls = Buffer.from(column.nulls);
  const isNull = (row) => nulls.length > 0 && (nulls[row >> 3] >> (row & 7)) & 1;
  return column[vectors[0]].map((item, row) => (isNull(row) ? null : item));
}

function column(result, index = 0) {
  return values(result.rows.columns[index]);
}

for (const [name, wire] of Object.entries(WIRES)) {
  for (const shard of Object.keys(KEYS)) {
    test(`the job on ${shard}, ${name}`, () => withClient(wire, (client) => theJob(client, shard)));
  }
  test(`values, ${name}`, () => withClient(wire, valuesThereAndBack));
  test(`errors, ${name}`, () => withClient(wire, errors));
  test(`calls without waiting, ${name}`, () => withClient(wire, callsWithoutWaiting));
}

async function theJob(client, shard) {
  const { InsertRequest, ParamStyle } = forebay.types;
  await execute(client, shard, `CREATE TABLE users (id ${KEYS[shard]}, username VARCHAR(50), password VARCHAR(50))`);
  await execute(client, shard, 'CREATE TABLE follow_user (user_id1 BIGINT, user_id2 BIGINT)');
  try {
    const follows = [[1, 2], [1, 2], [2, 1]];
    const bulk = await client.insert(
      new InsertRequest({
        shard,
        table: 'follow_user',
        columns: ['user_id1', 'user_id2'],
        rows: follows.map((row) => row.map(value)),
      }),
    );
    assert.equal(Number(bulk.affected_rows), 3);

    const deleted = await execute(
      client,
      shard,
      'DELETE FROM follow_user WHERE user_id1=%s AND user_id2=%s',
      [1, 2],
      ParamStyle.PYFORMAT,
    );
    assert.equal(Number(deleted.affected_rows), 2);

    const add = 'INSERT INTO users (username, password) VALUES (%s, %s)';
    const first = await execute(client, shard, add, ['alice', "O'Neil \\ 🚀"], ParamStyle.PYFORMAT);
    const second = await execute(client, shard, add, ['bob', null], ParamStyle.PYFORMAT);
    assert.equal(Number(first.insert_id), 1);
    assert.equal(Number(second.insert_id), 2);

    const found = await query(
      client,
      shard,
      'SELECT id, username, password FROM users WHERE id IN (?) ORDER BY id',
      [[1, 2, 3]],
      new forebay.types.Options({ request_id: 'from node' }),
    );
    assert.equal(found.header.request_id, 'from node');
    assert.equal(Number(found.rows.row_count), 2);
    assert.deepEqual(column(found, 0).map(Number), [1, 2]);
    assert.deepEqual(column(found, 1), ['alice', 'bob']);
    assert.deepEqual(column(found, 2), ["O'Neil \\ 🚀", null]);
  } finally {
    await execute(client, shard, 'DROP TABLE users');
    await execute(client, shard, 'DROP TABLE follow_user');
  }
}

async function valuesThereAndBack(client) {
  const large = new Int64('7fffffffffffffff');
  const small = new Int64('8000000000000000');
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const asked = [large, small, 1.5, 'text é', bytes, null, true];
  const found = await query(client, 'mysql', 'SELECT ?, ?, ?, ?, ?, ?, ?', asked);
  assert.equal(column(found, 0)[0].toOctetString(), '7fffffffffffffff');
  assert.equal(column(found, 1)[0].toOctetString(), '8000000000000000');
  assert.deepEqual(column(found, 2), [1.5]);
  assert.deepEqual(column(found, 3), ['text é']);
  assert.deepEqual(column(found, 4), [bytes]);
  assert.deepEqual(column(found, 5), [null]);
  assert.deepEqual(column(found, 6).map(Number), [1]);

  const unsigned = await query(client, 'mysql', 'SELECT 18446744073709551615');
  assert.deepEqual(column(unsigned), ['18446744073709551615']);
  const bitmap = await query(
    client,
    'sqlite',
    'SELECT NULLIF(v, 2) FROM (SELECT 1 AS v UNION SELECT 2 UNION SELECT 3) AS t ORDER BY v',
  );
  assert.deepEqual(column(bitmap).map((item) => (item === null ? null : Number(item))), [1, null, 3]);
}

async function errors(client) {
  const { DataError, ErrorCode } = forebay.types;
  const cases = [
    ['no_such_shard', 'SELECT 1', undefined, ErrorCode.UNKNOWN_SHARD, 0],
    ['mysql', 'SELECT ?', [], ErrorCode.INVALID_ARGUMENT, 0],
    ['mysql', 'SELECT * FROM no_such_table', undefined, ErrorCode.SQL_ERROR, 1146],
    ['mysql', 'SELECT FROM', undefined, ErrorCode.SQL_ERROR, 1064],
    ['mysql', 'SET NAMES gbk', undefined, ErrorCode.STATEMENT_NOT_ALLOWED, 0],
  ];
  for (const [shard, sql, params, code, errno] of cases) {
    await assert.rejects(query(client, shard, sql, params), (error) => {
      assert.ok(error instanceof DataError, `${sql}: ${error}`);
      assert.equal(error.code, code, sql);
      assert.equal(error.mysql_errno, errno, sql);
      assert.ok(error.message);
      return true;
    });
  }
  assert.deepEqual(column(await query(client, 'mysql', 'SELECT ?', ['still here'])), ['still here']);
}

async function callsWithoutWaiting(client) {
  const numbers = Array.from({ length: 40 }, (_, number) => number);
  const shards = ['mysql', 'sqlite'];
  const answers = await Promise.all(
    numbers.map((number) => query(client, shards[number % 2], 'SELECT ?', [number])),
  );
  assert.deepEqual(answers.map((answer) => Number(column(answer)[0])), numbers);
}
